import { compareCells, type Cell, type Field } from './fields.js';

/** By what rows are sorted: the first counts most. */
export interface SortKey {
  readonly name: string;
  readonly descending: boolean;
}

/** Where a value stands in an ascending list that has it. */
function placeIn(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The places of cells among all that there are, equal cells at the same one; -1 for what is not known. */
interface Places {
  readonly of: Int32Array;
  readonly count: number;
}

// Loops and plain typed arrays: `from`, `map` and `filter` of typed arrays take ten times as long.
function placesOfNumbers(cells: readonly Cell[]): Places {
  const ascending = new Float64Array(cells.length);
  let known = 0;
  for (const cell of cells) if (typeof cell === 'number') ascending[known++] = cell;
  const values = ascending.subarray(0, known).sort();
  let count = 0;
  for (let i = 0; i < known; i++) if (i === 0 || values[i] !== values[count - 1]) values[count++] = values[i];
  const distinct = values.subarray(0, count);
  const of = new Int32Array(cells.length);
  for (const [i, cell] of cells.entries()) of[i] = typeof cell === 'number' ? placeIn(distinct, cell) : -1;
  return { of, count };
}

function placesOfTexts(cells: readonly Cell[]): Places {
  const kinds = [...new Set(cells)].filter((each) => each !== null).sort(compareCells);
  const placeOf = new Map<Cell, number>(kinds.map((each, place) => [each, place]));
  const of = new Int32Array(cells.length);
  for (const [i, cell] of cells.entries()) of[i] = placeOf.get(cell) ?? -1;
  return { of, count: kinds.length };
}

/** Rows by their places, equal ones as they were, unknown ones last: by counting, in a time that grows with the rows. */
function byPlaces(rows: readonly number[], { of, count }: Places, descending: boolean): number[] {
  const bucket = (i: number): number => (of[i] < 0 ? count : descending ? count - 1 - of[i] : of[i]);
  const starts = new Uint32Array(count + 2);
  for (let i = 0; i < rows.length; i++) starts[bucket(i) + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  const result = new Array<number>(rows.length);
  for (let i = 0; i < rows.length; i++) result[starts[bucket(i)]++] = rows[i];
  return result;
}

/** Rows in the order of the keys; equal ones stay as they were, and what is not known is last in either direction. */
export function sorted(rows: readonly number[], keys: readonly SortKey[], fields: readonly Field[]): readonly number[] {
  // The last key first: each further sorting leaves equal rows in the order that was there.
  return keys.toReversed().reduce((inOrder, { name, descending }) => {
    const field = fields.find((each) => each.name === name);
    if (field === undefined) return inOrder;
    const cells = inOrder.map(field.cell);
    return byPlaces(inOrder, field.kind === 'number' ? placesOfNumbers(cells) : placesOfTexts(cells), descending);
  }, rows);
}

/**
 * What a click on a column's head makes of the sorting: the best or the first at the top, then the other way round, then
 * none. With `further` it is added to what is sorted by, else it takes its place.
 */
export function sortedBy(
  keys: readonly SortKey[],
  name: string,
  descendingFirst: boolean,
  further: boolean,
): readonly SortKey[] {
  const now = keys.find((key) => key.name === name);
  const next: readonly SortKey[] =
    now === undefined
      ? [{ name, descending: descendingFirst }]
      : now.descending === descendingFirst
        ? [{ name, descending: !descendingFirst }]
        : [];
  if (!further) return next;
  return now === undefined ? [...keys, ...next] : keys.flatMap((key) => (key === now ? next : [key]));
}

/** `-accuracy,number`: as addresses hold it. */
export const sortText = (keys: readonly SortKey[]): string =>
  keys
    .map(({ name, descending }) => `${descending ? '-' : ''}${encodeURIComponent(name).replace(/^-/, '%2D')}`)
    .join(',');

/** Reads what `sortText` wrote. */
export const sortFrom = (text: string): readonly SortKey[] =>
  text
    .split(',')
    .filter((part) => part !== '' && part !== '-')
    .map((part) => {
      const descending = part.startsWith('-');
      return { name: decoded(descending ? part.slice(1) : part), descending };
    });

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
