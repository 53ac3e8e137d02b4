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
export async function runTask(comparison: Comparison, problems: readonly Problem[], task: Task): Promise<TaskResult> {
  const { controller, variant, seed } = task;
  const { space, search, variants } = comparison;
  const problem = problems[variant];
  const { name, objectives } = variants[variant];
  const experiment = { name, seed, space, objectives: [...objectives], search: { ...search, controller } };
  const { rows, askMs, ended } = await searchTable(problem.results, experiment);
  return { task, ...measure(problem, rows), askMs, ended };
}

/** How good a sequence of evaluated rows is, after each of them. */
export function measure(problem: Problem, rows: readonly number[]): Pick<TaskResult, 'curve' | 'found'> {
  let members = 0;
  return { curve: problem.curve(rows), found: rows.map((row) => (members += problem.front.has(row) ? 1 : 0)) };
}
