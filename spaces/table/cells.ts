import { invalidInput, type NasError } from '../../base/errors.js';
import { nearest } from '../../base/text.js';
import type { Csv } from './csv.js';

/** @throws NasError `invalid-input` suggesting the nearest name when there is no such column. */
export function columnIndex({ file, columns }: Csv, name: string): number {
  const index = columns.indexOf(name);
  if (index >= 0) return index;
  const meant = nearest(name, columns);
  const question = meant === undefined ? '' : `; did you mean '${meant}'?`;
  throw invalidInput(`${file} has no column '${name}'${question} (it has ${columns.join(', ')})`);
}

/** The number in a cell: NaN for `nan` and infinities in any spelling, undefined when it is none. */
export function parseNumber(cell: string): number | undefined {
  if (cell === '') return undefined;
  const value = Number(cell);
  if (Number.isFinite(value)) return value;
  return /^[+-]?(nan|inf|infinity)$/i.test(cell) ? NaN : undefined;
}

/** Lines that a message names one by one. */
const named = 4;

/** Cells of a column that should hold something else, as an error with their lines. */
export function badCells(csv: Csv, column: number, rows: readonly number[], expected: string): NasError {
  const [first, ...others] = rows;
  const cell = csv.rows[first][column];
  const got = cell === '' ? 'is empty' : `is ${JSON.stringify(cell)}`;
  const lines = others.slice(0, named).map((row) => csv.lines[row]);
  const more = others.length > named ? `, ... (${rows.length} in all)` : '';
  const too = others.length === 0 ? '' : `; so in line ${lines.join(', ')}${more}`;
  return invalidInput(
    `${csv.file}, line ${csv.lines[first]}: column '${csv.columns[column]}' ${got}; expected ${expected}${too}`,
  );
}
