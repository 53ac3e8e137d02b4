import { invalidInput, type NasError } from '../../base/errors.js';
import { hideCredentials } from '../../base/server.js';
import { didYouMean } from '../../base/text.js';

/** Keys and list indices from the top of an experiment to a value. */
export type KeyPath = readonly (string | number)[];

/** `train.optimizer.type`. */
export const pathText = (path: KeyPath): string => path.join('.');

/** Whether `path` begins with `prefix`. */
export const startsWith = (path: KeyPath, prefix: KeyPath): boolean =>
  prefix.length <= path.length && prefix.every((key, i) => String(key) === String(path[i]));

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = (value as unknown[])[Number(key)];
    else if (isMap(value) && Object.hasOwn(value, String(key))) value = value[String(key)];
    else return undefined;
  }
  return value;
}

export interface Problem {
  /** `file:line:column`, or the `--set` argument. */
  readonly where: string;
  /** Empty for the whole file. */
  readonly path: KeyPath;
  /** `got "big"; expected a whole number of at least 1`. */
  readonly message: string;
}

/** A value as shortened JSON, without passwords. */
export function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (an empty value)';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return `${value}`;
  const text = hideCredentials(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** `got X; expected Y; did you mean 'z'?` */
export function gotExpected(value: unknown, expected: string, candidates: Iterable<string> = []): string {
  const question = typeof value === 'string' ? didYouMean(value, candidates) : '';
  return `got ${quote(value)}; expected ${expected}${question}`;
}

const line = ({ where, path, message }: Problem): string =>
  path.length === 0 ? `${where}: ${message}` : `${where}: ${pathText(path)}: ${message}`;

/** One error with all problems of a file, ordered by line. */
export function problemsError(file: string, problems: readonly Problem[]): NasError {
  const inOrder = problems.toSorted((a, b) => a.where.localeCompare(b.where, 'en', { numeric: true }));
  const lines = inOrder.map(line);
  const message = lines.length === 1 ? lines.join('') : `${lines.length} problems in ${file}:\n  ${lines.join('\n  ')}`;
  return invalidInput(message);
}
