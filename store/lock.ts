import { join } from 'node:path';
import { NasError, invalidInput, messageOf } from '../base/errors.js';
import { makeDirectory } from '../base/files.js';
import { describeHolder, type Holder, holderOf, isLocked, takeLock, waitForLock, type Lock } from '../base/lock.js';
import { explainSqlite } from './connection.js';

const lockFile = (directory: string): string => join(directory, 'nas.lock');

export const isWorkedIn = (directory: string): boolean => isLocked(lockFile(directory));

/** The process that works in a workdir; null when none does. */
export const workerIn = (directory: string): Holder | null =>
  isWorkedIn(directory) ? holderOf(lockFile(directory)) : null;

/**
 * Takes a workdir for this process, making it when missing; the lock is the file `nas.lock` (see `takeLock`).
 * @throws NasError `in-use` when another run holds it, naming its process; `invalid-input` when it cannot be written.
 */
export function lockWorkdir(directory: string, clock: () => number = Date.now): Lock {
  const path = lockFile(directory);
  let lock: Lock | null;
  try {
    makeDirectory(directory);
    lock = takeLock(path, clock);
  } catch (cause) {
    const error = explainSqlite(cause, path);
    if (error !== cause) throw error;
    throw invalidInput(`${directory}: the folder cannot be written (${messageOf(cause)})`, {
      hint: 'Make it writable, or choose another folder with --workdir.',
      cause,
    });
  }
  if (lock !== null) return lock;
  throw new NasError('in-use', `${directory}: ${describeHolder(path)} is working here`, {
    hint: 'Wait until it has ended, end it, or choose another folder with --workdir.',
  });
}

/** Takes the lock of a workdir as soon as it is free, for work of some milliseconds. @throws an AbortError of the signal */
export const waitForWorkdir = (directory: string, signal?: AbortSignal): Promise<Lock> =>
  waitForLock(lockFile(directory), { interval: 10, signal });
