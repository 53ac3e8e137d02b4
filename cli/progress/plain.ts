import { duration } from '../../experiments/report/index.js';
import type { RunEvent } from '../../experiments/runner/events.js';
import type { Terminal } from '../output/terminal.js';
import { epochLine, lineOf } from './lines.js';
import { ProgressTracker } from './state.js';
import type { ProgressView } from './view.js';

/** Steps of a phase's progress that get a line. */
const tenths = 10;

/** Plain lines without timestamps: for logs, pipes and CI. */
export function createPlainView({ err }: Terminal, clock: () => number): ProgressView {
  const tracker = new ProgressTracker(clock);
  let shown = { phase: '', tenth: 0 };
  const progressLine = ({ phase, done, total, unit }: Extract<RunEvent, { kind: 'progress' }>): string | null => {
    const tenth = Math.floor((tenths * done) / Math.max(1, total));
    if (phase === shown.phase && tenth <= shown.tenth) return null;
    const first = phase !== shown.phase && tenth === 0;
    shown = { phase, tenth };
    if (first) return null;
    const { etaSeconds } = tracker.state.progress ?? {};
    const left = etaSeconds === undefined || etaSeconds < 1 ? '' : `, ${duration(etaSeconds)} left`;
    return `${phase}: ${done} of ${total} ${unit}${left}`;
  };
  const lineFor = (event: RunEvent): string | null => {
    if (event.kind === 'progress') return progressLine(event);
    return event.kind === 'trial-epoch' || event.kind === 'phase-epoch' ? epochLine(event) : lineOf(event);
  };
  return {
    observe: (event) => {
      tracker.apply(event);
      const line = lineFor(event);
      if (line !== null) err(`${line}\n`);
    },
    close: () => undefined,
  };
}
