import { canonicalJson } from '../../base/hash.js';
import { isMap } from '../parse/problem.js';

/** Where two values differ: the keys of maps down to where they lead to something else. */
export function differences(before: unknown, now: unknown, path = ''): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isMap(before) || !isMap(now)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differences(before[key], now[key], path === '' ? key : `${path}.${key}`));
}

/** Where two experiments differ in what decides results; who does the work is not among it. */
export const resultDifferences = (before: unknown, now: unknown): string[] =>
  differences(before, now).filter((key) => key !== 'workers' && !key.startsWith('workers.'));
