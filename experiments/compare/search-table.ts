import { NasError } from '../../base/errors.js';
import { createController, type Objective, type Told } from '../../search/index.js';
import type { TableExperiment } from '../schema.js';
import { cheapResults, resultsOf, type TableResults } from '../table-results.js';

/** A search in a table, without a store. */
export interface TableSearch {
  /** Rows in the order in which they were asked for. */
  readonly rows: readonly number[];
  /** Mean time of one ask, in ms. */
  readonly askMs: number;
  /** Why it ended before it had all its evaluations; null when it had. */
  readonly ended: string | null;
}

/**
 * Asks a controller for `search.trials` candidates as `nas run` would: with delayed feedback, candidate n from the
 * results of 0 ... n - parallel.
 */
export function searchTable(
  results: TableResults,
  objectives: readonly Objective[],
  search: TableExperiment['search'],
  seed: number,
): TableSearch {
  const { table } = results;
  const controller = createController(search, { space: table.space, objectives, seed });
  const cheap = cheapResults(results, objectives);
  const foresee = (genotype: Told['genotype']) => resultsOf(cheap, genotype);
  const told: Told[] = [];
  let spent = 0;
  const outcome = (ended: string | null): TableSearch => ({
    rows: told.map(({ genotype }) => table.rowOf(genotype)),
    askMs: told.length === 0 ? 0 : spent / told.length,
    ended,
  });
  for (let number = 0; number < search.trials; number++) {
    const known = Math.max(0, number - search.parallel + 1);
    const pending = told.slice(known).map(({ genotype }) => genotype);
    const began = performance.now();
    try {
      const { genotype } = controller.ask({ number, history: told.slice(0, known), pending, cheap: foresee });
      spent += performance.now() - began;
      told.push(tell(results, number, genotype));
    } catch (error) {
      if (error instanceof NasError && error.code === 'infeasible') return outcome(error.message);
      throw error;
    }
  }
  return outcome(null);
}

/** What the table says of a candidate; failed when a value is missing. */
function tell(results: TableResults, number: number, genotype: Told['genotype']): Told {
  const values = resultsOf(results, genotype);
  const known = Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
  const complete = Object.keys(known).length === Object.keys(values).length;
  return { number, genotype, state: complete ? 'complete' : 'failed', values: known };
}
