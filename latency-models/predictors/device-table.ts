import { invalidInput } from '../../base/errors.js';
import { badCells, columnIndex, parseNumber, type Csv } from '../../spaces/index.js';

/** Separates the cells of a key; it occurs in no cell. */
export const keySeparator = '\u001f';

/** Most pairs of equal rows in a message. */
const maxNamed = 3;

/**
 * The latencies of a column by row; NaN for empty cells.
 * @throws NasError `invalid-input` naming the lines whose cells are no latency, including empty ones if all are `required`.
 */
export function latencyColumn(csv: Csv, device: string, required: boolean): number[] {
  const at = columnIndex(csv, device);
  const values = csv.rows.map((row) => parseNumber(row[at]) ?? NaN);
  const isBad = (row: number): boolean =>
    !(values[row] > 0 && values[row] < Infinity) && (required || csv.rows[row][at] !== '');
  const bad = [...values.keys()].filter(isBad);
  const expected = `a latency above 0 in ms${required ? '' : ', or nothing where none is known'}`;
  if (bad.length > 0) throw badCells(csv, at, bad, expected);
  return values;
}

/**
 * The network of each row: its cells, joined by `keySeparator`.
 * @throws NasError `invalid-input` when two rows are of the same network.
 */
export function distinctKeys({ file, rows, lines }: Csv, columns: readonly number[]): string[] {
  const keys = rows.map((row) => columns.map((at) => row[at]).join(keySeparator));
  const first = new Map<string, number>();
  const twice: string[] = [];
  for (const [i, key] of keys.entries()) {
    const before = first.get(key);
    if (before === undefined) first.set(key, lines[i]);
    else twice.push(`lines ${before} and ${lines[i]}`);
  }
  if (twice.length === 0) return keys;
  const more = twice.length > maxNamed ? ` and ${twice.length - maxNamed} more` : '';
  throw invalidInput(`${file}: ${twice.slice(0, maxNamed).join(', ')}${more} are of the same network`, {
    hint: 'Keep one row of each network.',
  });
}
