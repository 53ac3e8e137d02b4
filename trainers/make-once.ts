import { dirname } from 'node:path';
import { NasError, invalidInput, messageOf } from '../base/errors.js';
import { makeDirectory } from '../base/files.js';
import { waitForLock, type Lock } from '../base/lock.js';

/** A cache entry that is made when it is missing. */
export interface Cached<T> {
  /** Path of the entry, named by the hash of its inputs; `path`.lock exists while a process makes it. */
  readonly path: string;
  /** For messages: `the teacher`. */
  readonly name: string;
  /** Returns the entry, or null when it is missing or damaged. */
  find(): Promise<T | null> | T | null;
  /** Makes the entry and moves it into place in one step, because readers take no lock. */
  make(): Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /** Awaited from time to time while another process makes the entry. */
  readonly pause?: (() => Promise<void> | void) | undefined;
  readonly onNote?: ((message: string) => void) | undefined;
}

/**
 * Takes an entry from a cache or makes it. Only one process makes it at a time; other processes wait and use the result,
 * or continue where a killed process stopped.
 * @throws NasError `interrupted` when the signal is aborted while waiting; `invalid-input` when the cache cannot be written
 */
export async function makeOnce<T>(cached: Cached<T>): Promise<T> {
  const found = await cached.find();
  if (found !== null) return found;
  const lock = await lockOf(cached);
  try {
    return (await cached.find()) ?? (await cached.make());
  } finally {
    lock.release();
  }
}

async function lockOf<T>({ path, name, signal, pause, onNote }: Cached<T>): Promise<Lock> {
  const onWait = (holder: string): void =>
    onNote?.(`${holder} is making ${name}, which is needed here, too: waiting for it`);
  try {
    makeDirectory(dirname(path));
    return await waitForLock(`${path}.lock`, { onWait, pause, signal });
  } catch (cause) {
    if (signal?.aborted === true) throw new NasError('interrupted', `waiting for ${name} was interrupted`);
    throw invalidInput(`the cache ${dirname(path)} cannot be written: ${messageOf(cause)}`, {
      hint: 'Make the folder writable, or set NAS_CACHE to another one.',
      cause,
    });
  }
}
