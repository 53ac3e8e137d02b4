import type { Store } from '../../store/index.js';
import type { Candidates } from './candidates.js';
import type { RunObserver } from './events.js';
import type { Plan } from './plan.js';
import type { Pool } from './pool.js';

/** What the parts of a run share. */
export interface RunContext {
  readonly plan: Plan;
  readonly store: Store;
  readonly pool: Pool;
  readonly candidates: Candidates;
  readonly observe: RunObserver;
  /** Whether the user has asked to stop. */
  readonly stopping: () => boolean;
}
