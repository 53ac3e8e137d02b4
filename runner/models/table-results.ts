import { invalidInput } from '../../base/errors.js';
import type { Objective } from '../../search/index.js';
import { loadTable, type Genotype, type ResultsTable } from '../../spaces/index.js';
import { locatingNowhere, type Locating } from '../../experiments/parse/load.js';
import type { TableExperiment } from '../../experiments/schema/experiment.js';
import type { TableObjective } from '../../experiments/schema/search-settings.js';

export interface TableResults {
  readonly table: ResultsTable;
  /** Values of each row by objective name; NaN for failed evaluations. */
  readonly columns: ReadonlyMap<string, Float64Array>;
  /** Evaluation time of each row, in seconds; null: one second each. */
  readonly seconds: Float64Array | null;
}

/** @throws NasError `invalid-input` with file, lines and column of invalid cells. */
export async function loadResults(
  { space, objectives }: Pick<TableExperiment, 'space' | 'objectives'>,
  locating: Locating = locatingNowhere,
): Promise<TableResults> {
  const table = await locating(['space'], () => loadTable(space));
  const columns = await columnsOf(table, objectives, locating);
  const { seconds } = space;
  const times = seconds === undefined ? null : await locating(['space', 'seconds'], () => durationsOf(table, seconds));
  return { table, columns, seconds: times };
}

/**
 * Values by objective name.
 * @throws NasError `invalid-input` for missing columns, or with the lines of cells that are not numbers.
 */
export async function columnsOf(
  table: ResultsTable,
  objectives: readonly TableObjective[],
  locating: Locating = locatingNowhere,
): Promise<ReadonlyMap<string, Float64Array>> {
  const columns = new Map<string, Float64Array>();
  for (const [i, { name, column }] of objectives.entries())
    columns.set(name, await locating(['objectives', i, 'column'], () => table.numbers(column)));
  return columns;
}

function durationsOf(table: ResultsTable, column: string): Float64Array {
  const seconds = table.numbers(column);
  const bad = seconds.findIndex((value) => !(value >= 0));
  if (bad < 0) return seconds;
  throw invalidInput(
    `${table.file}, line ${table.lineOf(bad)}: '${column}' is ${seconds[bad]}; expected seconds, at least 0`,
  );
}

/** Values of a network by objective name; NaN for failed evaluations. */
export function resultsOf({ table, columns }: TableResults, genotype: Genotype): Record<string, number> {
  const row = table.rowOf(genotype);
  return Object.fromEntries([...columns].map(([name, values]) => [name, values[row]]));
}

export const cheapResults = (results: TableResults, objectives: readonly Objective[]): TableResults => ({
  ...results,
  columns: new Map(
    objectives.flatMap(({ name, cost }) => {
      const values = cost === 'cheap' ? results.columns.get(name) : undefined;
      return values === undefined ? [] : [[name, values] as const];
    }),
  ),
});
