import { NasError } from '../../base/errors.js';
import { Store } from '../../store/index.js';
import type { RunEvent } from '../runner/events.js';
import { Simulation } from '../runner/evaluators/simulation.js';
import { TableEvaluator } from '../runner/evaluators/table.js';
import { Search } from '../runner/search/search.js';
import type { TableExperiment } from '../schema.js';
import type { TableResults } from '../table-results.js';

/** A stretch of simulated time, in seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What one search in a table did. */
export interface TableSearch {
  /** Rows in the order in which they were asked for. */
  readonly rows: readonly number[];
  /** When each was evaluated, in simulated seconds since the search began. */
  readonly spans: readonly Span[];
  /** Mean time of one ask, in ms. */
  readonly askMs: number;
  /** Why it ended before it had all its evaluations; null when it had. */
  readonly ended: string | null;
}

/** Runs the search of an experiment on a table as `nas run` does, with a store of which nothing is kept. */
export async function searchTable(results: TableResults, experiment: TableExperiment): Promise<TableSearch> {
  const { name, seed } = experiment;
  const simulation = new Simulation(0);
  const meta = { name, seed, source: '', experiment, threads: 1, version: '', environment: {} };
  const store = Store.inMemory(meta, simulation.now);
  const plan = { kind: 'table', experiment, workdir: '', space: results.table.space, results, simulation } as const;
  let [ended, spent]: [string | null, number] = [null, 0];
  const context = {
    plan,
    store,
    observe: (event: RunEvent) => {
      if (event.kind === 'trial-asked') spent += event.askMs;
      if (event.kind === 'note' || event.kind === 'warning') ended = event.message;
    },
    stopping: () => false,
  };
  try {
    await (await Search.of(context, new TableEvaluator(context, plan))).run();
  } catch (error) {
    if (!(error instanceof NasError && error.code === 'infeasible')) throw error;
    ended = error.message;
  }
  const trials = store.trials.all();
  store.close();
  const rows = trials.map(({ genotype }) => results.table.rowOf(genotype));
  const spans = trials.map(({ startedAt, finishedAt }) => ({
    from: (startedAt ?? 0) / 1000,
    to: (finishedAt ?? Infinity) / 1000,
  }));
  return { rows, spans, askMs: spent / Math.max(1, rows.length), ended };
}
