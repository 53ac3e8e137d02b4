import { searchTable } from '../../experiments/compare/task.js';
import { Problem, type TableExperiment, type TableResults } from '../../experiments/index.js';
import { busyShare } from './busy.js';

/** One search, as its evaluations and its (simulated) time tell it. */
export interface Searched {
  /** Share of the true frontier's hypervolume after so many evaluations, in the order in which they were asked for. */
  after(evaluations: number): number;
  /** The same after so many seconds, of what had ended by then. */
  at(seconds: number): number;
  /** Seconds until a share of the hypervolume is reached; infinite when it never is. */
  until(share: number): number;
  /** Seconds until the last evaluation ended. */
  readonly seconds: number;
  /** Share of the slots' time with something to do, until the last evaluation began. */
  readonly busy: number;
}

/** Searches a table with simulated time. @param problem its yardstick. */
export async function searchWithSlots(
  results: TableResults,
  problem: Problem,
  experiment: TableExperiment,
): Promise<Searched> {
  const { rows, spans } = await searchTable(results, experiment);
  const curve = problem.curve(rows);
  const ended = rows.map((row, i) => ({ row, to: spans[i].to })).sort((a, b) => a.to - b.to);
  const inTime = problem.curve(ended.map(({ row }) => row));
  return {
    after: (evaluations) => curve[Math.min(evaluations, curve.length) - 1],
    at: (seconds) => inTime[ended.findLastIndex(({ to }) => to <= seconds)] ?? 0,
    until: (share) => ended[inTime.findIndex((reached) => reached >= share)]?.to ?? Infinity,
    seconds: ended.at(-1)?.to ?? 0,
    busy: busyShare(spans, experiment.search.parallel),
  };
}
