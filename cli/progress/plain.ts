import type { RunEvent } from '../../experiments/runner/events.js';
import type { Terminal } from '../output/terminal.js';
import { epochLine, lineOf } from './lines.js';
import type { ProgressView } from './view.js';

/** Steps of a phase's progress that get a line. */
const tenths = 10;

/** Plain lines without timestamps: for logs, pipes and CI. */
export function createPlainView({ err }: Terminal): ProgressView {
  let shown = { phase: '', tenth: 0 };
  const progressLine = ({ phase, done, total, unit }: Extract<RunEvent, { kind: 'progress' }>): string | null => {
    const tenth = Math.floor((tenths * done) / Math.max(1, total));
    if (phase === shown.phase && tenth <= shown.tenth) return null;
    const first = phase !== shown.phase && tenth === 0;
    shown = { phase, tenth };
    return first ? null : `${phase}: ${done} of ${total} ${unit}`;
  };
  const lineFor = (event: RunEvent): string | null => {
    if (event.kind === 'progress') return progressLine(event);
    return event.kind === 'trial-epoch' ? epochLine(event) : lineOf(event);
  };
  return {
    observe: (event) => {
      const line = lineFor(event);
      if (line !== null) err(`${line}\n`);
    },
    close: () => undefined,
  };
}
