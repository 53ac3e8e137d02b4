/** Where a value is inside an experiment: keys and list indices from the top. */
export type KeyPath = readonly (string | number)[];

/** `train.optimizer.type`, as written in messages and after `--set`. */
export const pathText = (path: KeyPath): string => path.join('.');

/** Whether `path` begins with `prefix`. */
export const startsWith = (path: KeyPath, prefix: KeyPath): boolean =>
  prefix.length <= path.length && prefix.every((key, i) => String(key) === String(path[i]));

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path, or undefined where nothing is. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = (value as unknown[])[Number(key)];
    else if (isMap(value) && Object.hasOwn(value, String(key))) value = value[String(key)];
    else return undefined;
  }
  return value;
}
