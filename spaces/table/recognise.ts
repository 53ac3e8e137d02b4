import type { Csv } from './csv.js';
import { parseNumber } from './cells.js';

/**
 * The columns of a table that look like decisions: those that hold texts, and at the beginning of the lines also
 * those of whole numbers. Measurements are numbers with decimals, and come after the decisions.
 */
export function recogniseDecisions({ columns, rows }: Csv): string[] {
  const cellsOf = (column: number): string[] => rows.map((row) => row[column]);
  const isText = columns.map((_, i) => cellsOf(i).some((cell) => parseNumber(cell) === undefined));
  const isWhole = columns.map((_, i) => !isText[i] && cellsOf(i).every((cell) => Number.isInteger(Number(cell))));
  const end = columns.findIndex((_, i) => !isText[i] && !isWhole[i]);
  return columns.filter((_, i) => isText[i] || (isWhole[i] && i < (end < 0 ? columns.length : end)));
}
