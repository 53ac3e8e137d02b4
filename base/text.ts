import { groupBy } from './group.js';

export type CsvCell = string | number | boolean | null | undefined;

/** RFC 4180: quoted around a comma, a quote or a line break. */
function cell(value: CsvCell): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line of CSV. */
export const csvLine = (cells: readonly CsvCell[]): string => `${cells.map(cell).join(',')}\n`;

/** The value of a JSON text; undefined for any other text. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `1 image`, `1,200 images`. @param many the plural; default: `one` with an s */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

/** An argument for a shell, quoted unless it has plain characters only. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Edit distance with transpositions (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  const at = (row: readonly number[], j: number): number => row[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const transposition = swapped ? at(before, j - 2) + 1 : Infinity;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, substitution, transposition));
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

const plain = (word: string): string => word.toLowerCase().replace(/[\s_-]/g, '');

/**
 * The candidate nearest to `word` by edit distance without case and separators, if at most a third of the letters differ or
 * one is a prefix of the other; undefined otherwise.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  if (wanted === '') return undefined;
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const shorter = Math.min(wanted.length, other.length);
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    const prefix = shorter >= 3 && (other.startsWith(wanted) || wanted.startsWith(other));
    // The distance is at least the difference of the lengths: a long word is not compared with short ones.
    const isFar = Math.abs(wanted.length - other.length) > limit;
    const distance = prefix ? Number(wanted !== other) : isFar ? Infinity : editDistance(wanted, other);
    if (distance <= limit && distance < shorter && (best === undefined || distance < best.distance))
      best = { candidate, distance };
  }
  return best?.candidate;
}

/** `; did you mean 'local'?`; empty when no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = nearest(word, candidates);
  return meant === undefined ? '' : `; did you mean '${meant}'?`;
}

/** The words of a name in camel case, with a separator: `startedAt` is `started_at`. */
export const separated = (name: string, separator: '-' | '_'): string =>
  name.replaceAll(/[A-Z]/g, (letter) => separator + letter.toLowerCase());

/**
 * The most frequent of some texts, which may differ in their numbers: the first one of its kind, and how many there are. Undefined
 * without texts.
 */
export function mostFrequent(texts: readonly string[]): { readonly text: string; readonly count: number } | undefined {
  const kinds = [...groupBy(texts, (text) => text.replaceAll(/[\d.]+/g, '0')).values()];
  const most = kinds.sort((a, b) => b.length - a.length).at(0);
  return most && { text: most[0], count: most.length };
}
