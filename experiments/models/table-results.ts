import { invalidInput } from '../../base/errors.js';
import type { Objective } from '../../search/index.js';
import { loadTable, type Genotype, type ResultsTable } from '../../spaces/index.js';
import { locatingNowhere, type Locating } from '../parse/load.js';
import type { TableObjective } from '../schema/search-settings.js';
import type { TableExperiment } from '../schema/experiment.js';

/** The results of an experiment on a table. */
export interface TableResults {
  readonly table: ResultsTable;
  /** Values by objective name, a number for each row; NaN where an evaluation failed. */
  readonly columns: ReadonlyMap<string, Float64Array>;
  /** Seconds that the evaluation of each row takes; null: one each. */
  readonly seconds: Float64Array | null;
}

/** @throws NasError `invalid-input` naming file, lines and column of what cannot be used. */
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
 * The values of objectives by their names.
 * @throws NasError `invalid-input` when there is no such column, or naming the lines of cells that are no numbers.
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

/** The values of a network by objective name; NaN where its evaluation failed. */
export function resultsOf({ table, columns }: TableResults, genotype: Genotype): Record<string, number> {
  const row = table.rowOf(genotype);
  return Object.fromEntries([...columns].map(([name, values]) => [name, values[row]]));
}

/** The same table with only those results that are known of every network before it is evaluated. */
export const cheapResults = (results: TableResults, objectives: readonly Objective[]): TableResults => ({
  ...results,
  columns: new Map(
    objectives.flatMap(({ name, cost }) => {
      const values = cost === 'cheap' ? results.columns.get(name) : undefined;
      return values === undefined ? [] : [[name, values] as const];
    }),
  ),
});
