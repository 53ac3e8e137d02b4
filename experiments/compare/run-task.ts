import { loadTable } from '../../spaces/index.js';
import { columnsOf } from '../table-results.js';
import type { Comparison, Task, TaskResult } from './comparison.js';
import { Problem } from './problem.js';
import { searchTable } from './search-table.js';

/**
 * The yardstick of each variant of a comparison.
 * @throws NasError `invalid-input` for a table that cannot be used, or has no such column.
 */
export async function problemsOf({ space, variants }: Pick<Comparison, 'space' | 'variants'>): Promise<Problem[]> {
  const table = loadTable(space);
  return Promise.all(
    variants.map(async ({ objectives }) => {
      const columns = await columnsOf(table, objectives);
      return new Problem({ table, columns, seconds: null }, objectives);
    }),
  );
}

/** Runs one search and measures it. */
export function runTask({ search }: Comparison, problems: readonly Problem[], task: Task): TaskResult {
  const { controller, variant, seed } = task;
  const problem = problems[variant];
  const { rows, askMs, ended } = searchTable(problem.results, problem.objectives, { ...search, controller }, seed);
  return { task, ...measure(problem, rows), askMs, ended };
}

/** How good a sequence of evaluated rows is, after each of them. */
export function measure(problem: Problem, rows: readonly number[]): Pick<TaskResult, 'curve' | 'found'> {
  let members = 0;
  return { curve: problem.curve(rows), found: rows.map((row) => (members += problem.front.has(row) ? 1 : 0)) };
}
