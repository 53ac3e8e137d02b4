import { dirname } from 'node:path';
import { NasError, invalidInput, messageOf } from '../base/errors.js';
import { makeDirectory } from '../base/files.js';
import { waitForLock, type Lock } from '../base/lock.js';

/** Something that a cache holds, made when it is missing. */
export interface Cached<T> {
  /** Its place in the cache, named by what it is made from; `path`.lock is there while somebody makes it. */
  readonly path: string;
  /** For people: `the teacher`. */
  readonly name: string;
  /** What is there already; null: nothing, or something damaged. */
  find(): Promise<T | null> | T | null;
  /** Makes it and puts it in its place, in one step: others look without a lock. */
  make(): Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /** Awaited now and then while somebody else makes it. */
  readonly pause?: (() => Promise<void> | void) | undefined;
  readonly onNote?: ((message: string) => void) | undefined;
}

/**
 * Takes something from a cache or makes it, in one process at a time: those that need it meanwhile wait, and use what the
 * first one made, or go on where it died.
 * @throws NasError `interrupted` when the signal is aborted while it waits; `invalid-input` when the cache cannot be written
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
