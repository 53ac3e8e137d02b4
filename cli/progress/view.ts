import type { RunObserver } from '../../experiments/runner/events.js';

/** Shows a run while it goes. */
export interface ProgressView {
  readonly observe: RunObserver;
  /** Leaves the screen as it should stay. */
  readonly close: () => void;
}
