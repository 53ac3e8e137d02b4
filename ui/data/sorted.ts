import { compareCells, type Field } from './fields.js';

/** A key to sort by; the first key of a list counts most. */
export interface SortKey {
  readonly name: string;
  readonly descending: boolean;
}

/** A number for each row, in the order of its cells; Infinity where the cell is unknown. */
function ranksOf(rows: readonly number[], { kind, cell }: Field, descending: boolean): Float64Array {
  const cells = rows.map(cell);
  const sign = descending ? -1 : 1;
  const ranks = new Float64Array(rows.length).fill(Infinity);
  if (kind === 'number') {
    for (const [i, value] of cells.entries()) if (typeof value === 'number') ranks[i] = sign * value;
    return ranks;
  }
  const distinct = [...new Set(cells)].filter((each) => each !== null).sort(compareCells);
  const rankOf = new Map(distinct.map((each, rank) => [each, sign * rank]));
  for (const [i, value] of cells.entries()) if (value !== null) ranks[i] = rankOf.get(value) ?? Infinity;
  return ranks;
}

/** Sorts rows by the keys. Equal rows keep their order; unknown values come last in either direction. */
export function sorted(rows: readonly number[], keys: readonly SortKey[], fields: readonly Field[]): readonly number[] {
  const ranks = keys.flatMap(({ name, descending }) => {
    const field = fields.find((each) => each.name === name);
    return field === undefined ? [] : [ranksOf(rows, field, descending)];
  });
  if (ranks.length === 0) return rows;
  const order = Uint32Array.from(rows.keys()).sort((a, b) => {
    for (const rank of ranks) if (rank[a] !== rank[b]) return rank[a] < rank[b] ? -1 : 1;
    return a - b;
  });
  return Array.from(order, (i) => rows[i]);
}

/**
 * The keys after a click on a column's head: sorted by it, then in reverse, then not at all. `descendingFirst` shows the
 * best value of an objective first. `further` keeps the other keys.
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

/** Keys in an address: `-accuracy,number`. */
export const sortText = (keys: readonly SortKey[]): string =>
  keys
    .map(({ name, descending }) => `${descending ? '-' : ''}${encodeURIComponent(name).replace(/^-/, '%2D')}`)
    .join(',');

/** The inverse of `sortText`. */
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
