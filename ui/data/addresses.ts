import type { RunId } from '../../reports/page/api.js';

export const runAddress = (run: RunId): string => `/runs/${encodeURIComponent(run)}`;

export const trialsAddress = (run: RunId): string => `${runAddress(run)}/trials`;

export const trialAddress = (run: RunId, number: number): string => `${trialsAddress(run)}/${number}`;

/** Adds a query to a path; undefined values are left out. Commas stay readable. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString().replaceAll('%2C', ',')}`;
}

/** The most trials, or runs, of a comparison. */
export const mostCompared = 6;

const distinct = <T>(values: readonly T[]): readonly T[] => [...new Set(values)].slice(0, mostCompared);

/** The trials in a query, in order: `3,1,3,x` gives 3 and 1. */
export const trialsIn = (text: string | undefined): readonly number[] =>
  distinct((text ?? '').split(',').flatMap((part) => (/^\d{1,9}$/.test(part.trim()) ? [Number(part)] : [])));

/** A comma separates runs; one in a folder's name is escaped. */
const escaped = (run: RunId): string => run.replaceAll('%', '%25').replaceAll(',', '%2C');
const unescaped = (text: string): RunId => text.replaceAll('%2C', ',').replaceAll('%25', '%');

export const runsIn = (text: string | undefined): readonly RunId[] =>
  distinct((text ?? '').split(',').flatMap((part) => (part === '' ? [] : [unescaped(part)])));

export const runsAddress = (runs: readonly RunId[]): string =>
  runs.length === 0 ? '/compare' : `/compare?runs=${runs.map((run) => encodeURIComponent(escaped(run))).join(',')}`;

/** Moves the value at `index` one place to the front (-1) or to the end (1). */
export function moved<T>(values: readonly T[], index: number, by: -1 | 1): readonly T[] {
  const to = index + by;
  if (to < 0 || to >= values.length) return values;
  return values.with(index, values[to]).with(to, values[index]);
}
