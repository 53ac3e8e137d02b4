import type { Cell, Field } from './field.js';

/** By what rows are sorted: the first counts most. */
export interface SortKey {
  readonly name: string;
  readonly descending: boolean;
}

const order = new Intl.Collator('en', { numeric: true });

/** Numbers before texts, texts as people count them, no before yes. */
export function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return order.compare(String(a), String(b));
}

/** Places of the rows' cells in their order, equal ones equal; NaN for what is not known. */
function ranks({ cell, kind }: Field, rows: readonly number[]): Float64Array {
  const cells = rows.map(cell);
  if (kind === 'number') return Float64Array.from(cells, (each) => (typeof each === 'number' ? each : NaN));
  const kinds = [...new Set(cells)].filter((each) => each !== null).sort(compareCells);
  const rankOf = new Map(kinds.map((each, rank) => [each, rank]));
  return Float64Array.from(cells, (each) => (each === null ? NaN : (rankOf.get(each) ?? NaN)));
}

/** Rows in the order of the keys; equal ones stay as they were, and what is not known is last in either direction. */
export function sorted(rows: readonly number[], keys: readonly SortKey[], fields: readonly Field[]): readonly number[] {
  const by = keys.flatMap(({ name, descending }) => {
    const field = fields.find((each) => each.name === name);
    return field === undefined ? [] : [{ ranks: ranks(field, rows), sign: descending ? -1 : 1 }];
  });
  if (by.length === 0) return rows;
  const compare = (a: number, b: number): number => {
    for (const { ranks, sign } of by) {
      const x = ranks[a];
      const y = ranks[b];
      if (x === y) continue;
      const unknown = Number(Number.isNaN(x)) - Number(Number.isNaN(y));
      if (unknown !== 0) return unknown;
      if (x !== y && !Number.isNaN(x)) return sign * (x - y);
    }
    return a - b;
  };
  return Array.from(Uint32Array.from(rows, (_, i) => i).sort(compare), (i) => rows[i]);
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
