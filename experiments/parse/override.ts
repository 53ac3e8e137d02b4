import { parseDocument } from 'yaml';
import { invalidInput } from '../../base/errors.js';
import { hideCredentials } from '../../base/server.js';
import { workersSchema, type WorkersConfig } from '../schema/workers.js';
import { isMap, type KeyPath, pathText, type Problem } from './problem.js';

/** One `--set key.path=value`. */
export interface Override {
  readonly path: KeyPath;
  readonly value: unknown;
  /** The argument for messages, without passwords. */
  readonly where: string;
}

/** Parses `key.path=value`; the value is YAML. */
export function parseOverride(argument: string): Override | Problem {
  const where = hideCredentials(`--set ${argument}`);
  const equals = argument.indexOf('=');
  const keys = (equals < 0 ? argument : argument.slice(0, equals)).trim().split('.');
  if (equals < 0 || keys.some((key) => key === ''))
    return { where, path: [], message: 'expected key.path=value, such as train.epochs=3' };
  const path = keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  const document = parseDocument(argument.slice(equals + 1), { prettyErrors: false });
  const error = document.errors.at(0);
  if (error !== undefined) return { where, path, message: `the value is not YAML: ${error.message}` };
  return { path, value: document.toJS() as unknown, where };
}

export const isOverride = (parsed: Override | Problem): parsed is Override => 'value' in parsed;

/** The child container at a key or index; creates missing maps, but no lists. */
function child(container: Record<string, unknown> | unknown[], key: string | number): unknown {
  return Array.isArray(container) ? container[Number(key)] : container[String(key)];
}

function assign(container: Record<string, unknown> | unknown[], key: string | number, value: unknown): void {
  if (Array.isArray(container)) container[Number(key)] = value;
  else container[String(key)] = value;
}

/**
 * Sets the value in place. `teacher.epochs` turns the word in `teacher: train` into a map with that type first.
 * @returns the problem of a path that does not exist
 */
export function applyOverride(root: Record<string, unknown>, override: Override): Problem | undefined {
  const problem = (path: KeyPath, message: string): Problem => ({ where: override.where, path, message });
  let container: Record<string, unknown> | unknown[] = root;
  for (const [depth, key] of override.path.entries()) {
    const path = override.path.slice(0, depth);
    if (Array.isArray(container) && !(typeof key === 'number' && key <= container.length))
      return problem(path, `is a list of ${container.length}; expected an index from 0 to ${container.length}`);
    if (depth === override.path.length - 1) {
      assign(container, key, override.value);
      return undefined;
    }
    let next = child(container, key);
    if (next === undefined || next === null) next = {};
    if (typeof next === 'string') next = { type: next };
    if (!isMap(next) && !Array.isArray(next))
      return problem([...path, key], `is a single value; ${pathText(override.path)} cannot be inside it`);
    assign(container, key, next);
    container = next;
  }
  return undefined;
}

/** Whether `--workers` names a queue. @throws NasError `invalid-input` unless it is `pool` or an address. */
function isQueue(argument: string): boolean {
  if (argument === 'pool') return false;
  if (/^rediss?:\/\//.test(argument)) return true;
  // An invalid address may still hold a password.
  throw invalidInput(`--workers ${argument.replace(/^.*@/, '…@')}: expected pool, or the address of a queue`, {
    hint: 'A queue is a Redis or Valkey server: --workers redis://10.0.0.5:6379.',
  });
}

/**
 * Overrides for `--workers pool` or `--workers redis://...`, which keep the file's other settings of the queue.
 * @throws NasError `invalid-input` when the argument is neither.
 */
export function workersOverrides(argument: string): readonly Override[] {
  const where = hideCredentials(`--workers ${argument}`);
  if (!isQueue(argument)) return [{ path: ['workers'], value: { type: 'pool' }, where }];
  return [
    { path: ['workers', 'type'], value: 'queue', where },
    { path: ['workers', 'url'], value: argument, where },
  ];
}

/**
 * `--workers` for a resumed run.
 * @param before the run's workers so far
 * @throws NasError `invalid-input` when the argument is neither, or the address is not allowed.
 */
export function workersGiven(argument: string, before: WorkersConfig): WorkersConfig {
  if (!isQueue(argument)) return { type: 'pool' };
  const kept = before.type === 'queue' ? before : {};
  const { data, error } = workersSchema.safeParse({ ...kept, type: 'queue', url: argument });
  if (data !== undefined) return data;
  const [{ message }] = error.issues;
  throw invalidInput(`${hideCredentials(`--workers ${argument}`)}: ${message}`);
}

/** Whether an experiment's file, or what was laid over it, has a value at a key path. */
export const isWritten = (written: unknown, ...path: readonly string[]): boolean =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    written,
  ) !== undefined;
