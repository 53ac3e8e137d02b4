import { hideCredentials } from '../../base/server.js';
import { invalidInput } from '../../base/errors.js';
import { workersSchema, type WorkersConfig } from '../queue/schema.js';
import type { Override } from './override.js';

/** Whether `--workers` names a queue, and not the processes of this machine. */
function isQueue(argument: string): boolean {
  if (argument === 'pool') return false;
  if (/^rediss?:\/\//.test(argument)) return true;
  // What is no address may hold a password all the same.
  throw invalidInput(`--workers ${argument.replace(/^.*@/, '…@')}: expected pool, or the address of a queue`, {
    hint: 'A queue is a Redis or Valkey server: --workers redis://10.0.0.5:6379.',
  });
}

/**
 * `--workers pool` or `--workers redis://...` as it is laid over a file: what the file says of its queue besides the
 * address stays.
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
 * The same for a run that goes on.
 * @param before who did its work so far
 * @throws NasError `invalid-input` when the argument is neither, or the address is none that a run may have.
 */
export function workersGiven(argument: string, before: WorkersConfig): WorkersConfig {
  if (!isQueue(argument)) return { type: 'pool' };
  const kept = before.type === 'queue' ? before : {};
  const { data, error } = workersSchema.safeParse({ ...kept, type: 'queue', url: argument });
  if (data !== undefined) return data;
  const [{ message }] = error.issues;
  throw invalidInput(`${hideCredentials(`--workers ${argument}`)}: ${message}`);
}
