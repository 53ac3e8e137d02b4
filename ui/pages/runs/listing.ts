import type { ReadableRun, RunEntry } from '../../../experiments/page/api.js';
import { endedTrials } from '../../components/run-progress.js';

/** What runs can be sorted by. */
export const orders = ['name', 'newest', 'state', 'progress'] as const;
export type Order = (typeof orders)[number];

/** Those that need somebody's eye come first. */
const states = ['died', 'failed', 'infeasible', 'running', 'interrupted', 'complete'];

const progressOf = ({ run }: ReadableRun): number => endedTrials(run) / Math.max(run.planned, 1);

const compareText = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const comparisons: { readonly [O in Order]: (a: ReadableRun, b: ReadableRun) => number } = {
  name: () => 0,
  newest: (a, b) => Date.parse(b.run.updatedAt) - Date.parse(a.run.updatedAt),
  state: (a, b) => states.indexOf(a.run.status) - states.indexOf(b.run.status),
  progress: (a, b) => progressOf(b) - progressOf(a),
};

/** The runs whose id or name holds a text, in an order; those that cannot be read come last. */
export function listRuns(runs: readonly RunEntry[], text: string, order: Order): readonly RunEntry[] {
  const wanted = text.trim().toLowerCase();
  const holds = (name: string): boolean => name.toLowerCase().includes(wanted);
  return runs
    .filter((entry) => holds(entry.id) || ('run' in entry && holds(entry.run.name)))
    .sort((a, b) => {
      const byId = compareText(a.id, b.id);
      if (!('run' in a && 'run' in b)) return Number(!('run' in a)) - Number(!('run' in b)) || byId;
      return comparisons[order](a, b) || byId;
    });
}
