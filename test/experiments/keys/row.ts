import type { Part } from './effects.js';

/** What a key of the experiment does: two or more values of it, and where a run shows that they differ. */
export interface Row {
  /** As `keysOf` names it. */
  readonly key: string;
  /** Different values, each compared with the one before; undefined: the key is left out. Of a key `type` also whole maps. */
  readonly values: readonly unknown[];
  /** A part of the run that differs between two values. */
  readonly changes: Part;
  /** Further keys beside it, laid over the experiment of all rows. */
  readonly base: object;
}

export const row = (key: string, values: readonly unknown[], changes: Part, base: object = {}): Row => ({
  key,
  values,
  changes,
  base,
});

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` laid over `under`: maps key by key, other values as a whole; null takes a key away. */
export function laidOver(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys]
      .filter((key) => over[key] !== null)
      .map((key) => [key, key in over ? laidOver(under[key], over[key]) : under[key]]),
  );
}

/** A copy with a value at a path; maps and lists on the way are made. Undefined takes the key away. */
export const withValue = (whole: unknown, path: readonly (string | number)[], value: unknown): unknown =>
  changedAt(whole, path, () => value);

/** A copy with what `change` makes of the value at a path. */
export function changedAt(
  whole: unknown,
  path: readonly (string | number)[],
  change: (before: unknown) => unknown,
): unknown {
  const [key, ...rest] = path;
  if (path.length === 0) return change(whole);
  if (typeof key === 'number') {
    const list: unknown[] = Array.isArray(whole) ? [...(whole as unknown[])] : [];
    list[key] = changedAt(list[key], rest, change);
    return list;
  }
  const { [key]: before, ...others } = isMap(whole) ? whole : {};
  const after = changedAt(before, rest, change);
  return after === undefined ? others : { ...others, [key]: after };
}
