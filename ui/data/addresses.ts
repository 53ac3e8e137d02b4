import type { RunId } from '../../experiments/page/api.js';

/** Where a run stands. */
export const runAddress = (run: RunId): string => `/runs/${encodeURIComponent(run)}`;

/** Where its trials stand. */
export const trialsAddress = (run: RunId): string => `${runAddress(run)}/trials`;

/** Where one of them stands. */
export const trialAddress = (run: RunId, number: number): string => `${trialsAddress(run)}/${number}`;

/** So many trials, or runs, can be read beside each other. */
export const mostCompared = 6;

const distinct = <T>(values: readonly T[]): readonly T[] => [...new Set(values)].slice(0, mostCompared);

/** Trials in an address, in its order: of `3,1,3,x`, 3 and 1. */
export const trialsIn = (text: string | undefined): readonly number[] =>
  distinct((text ?? '').split(',').flatMap((part) => (/^\d{1,9}$/.test(part.trim()) ? [Number(part)] : [])));

/** A comma parts the runs of an address; in the name of a folder, it is escaped. */
const escaped = (run: RunId): string => run.replaceAll('%', '%25').replaceAll(',', '%2C');
const plain = (text: string): RunId => text.replaceAll('%2C', ',').replaceAll('%25', '%');

/** Runs in an address, in its order. */
export const runsIn = (text: string | undefined): readonly RunId[] =>
  distinct((text ?? '').split(',').flatMap((part) => (part === '' ? [] : [plain(part)])));

/** Where runs stand beside each other. */
export const runsAddress = (runs: readonly RunId[]): string =>
  runs.length === 0 ? '/compare' : `/compare?runs=${runs.map((run) => encodeURIComponent(escaped(run))).join(',')}`;

/** The same in another order: what stands at `index` a place further to the front (-1) or to the end (1). */
export function moved<T>(values: readonly T[], index: number, by: -1 | 1): readonly T[] {
  const to = index + by;
  if (to < 0 || to >= values.length) return values;
  return values.with(index, values[to]).with(to, values[index]);
}

/** An address with what stands behind its question mark; what is undefined does not. Commas stay as they are, to be read. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString().replaceAll('%2C', ',')}`;
}
