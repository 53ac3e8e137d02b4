import type { TableExperiment } from '../../experiments/index.js';
import type { TableResults } from '../../runner/index.js';
import { Problem, searchTable } from '../search-table/task.js';
import { busyShare } from './busy.js';

/** A finished search, by evaluations and by simulated time. */
export interface Searched {
  /** Share of the true frontier's hypervolume after a number of evaluations, in the order of the asks. */
  after(evaluations: number): number;
  /** The same share after a number of seconds, for the evaluations finished by then. */
  at(seconds: number): number;
  /** Seconds to reach a share of the hypervolume; infinite if never reached. */
  until(share: number): number;
  /** Seconds until the last evaluation ended. */
  readonly seconds: number;
  /** Share of slot time with an evaluation, until the last evaluation started. */
  readonly busy: number;
}

/** Searches a table in simulated time. @param problem scores the search */
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
