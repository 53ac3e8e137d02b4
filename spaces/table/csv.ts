import { readCsvLines } from '../../base/csv.js';
import { invalidInput, type NasError } from '../../base/errors.js';
import { readInput } from '../../base/files.js';
import { didYouMean } from '../../base/text.js';

/** A file of rows with named columns, as text. */
export interface Csv {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The line of the file that each row ends on, from 1. */
  readonly lines: readonly number[];
}

/**
 * Reads a CSV file; the first line names the columns.
 * @throws NasError `invalid-input` when the file cannot be read, has no rows, or a row has a wrong number of columns
 */
export function readCsv(file: string): Csv {
  const { lines } = readCsvLines(file, readInput(file));
  if (lines.length === 0)
    throw invalidInput(`${file}: is empty; expected a first line with the names of the columns, and rows`);
  const [header, ...rows] = lines;
  const columns = header.cells;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw invalidInput(`${file}: two columns are called '${twice}'`);
  if (rows.length === 0) throw invalidInput(`${file}: has no rows, only the names of the columns`);
  return { file, columns, rows: rows.map(({ cells }) => cells), lines: rows.map(({ line }) => line) };
}

/** @throws NasError `invalid-input` with the nearest name when there is no such column */
export function columnIndex({ file, columns }: Csv, name: string): number {
  const index = columns.indexOf(name);
  if (index >= 0) return index;
  throw invalidInput(`${file} has no column '${name}'${didYouMean(name, columns)} (it has ${columns.join(', ')})`);
}

/** The number in a cell: NaN for `nan` and infinities in any spelling, undefined for other text. */
export function parseNumber(cell: string): number | undefined {
  if (cell === '') return undefined;
  const value = Number(cell);
  if (Number.isFinite(value)) return value;
  return /^[+-]?(nan|inf|infinity)$/i.test(cell) ? NaN : undefined;
}

/** A message lists at most this many lines. */
const named = 4;

/** An error about invalid cells of a column, with their lines. */
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

/**
 * The columns that look like decisions: text columns, and the columns of whole numbers before the first measurement.
 * Measurements are numbers with decimals and come after the decisions.
 */
export function recogniseDecisions({ columns, rows }: Csv): string[] {
  const cellsOf = (column: number): string[] => rows.map((row) => row[column]);
  const isText = columns.map((_, i) => cellsOf(i).some((cell) => parseNumber(cell) === undefined));
  const isWhole = columns.map((_, i) => !isText[i] && cellsOf(i).every((cell) => Number.isInteger(Number(cell))));
  const end = columns.findIndex((_, i) => !isText[i] && !isWhole[i]);
  return columns.filter((_, i) => isText[i] || (isWhole[i] && i < (end < 0 ? columns.length : end)));
}
