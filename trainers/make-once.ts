import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  if (found !== null) {
    touch(cached.path);
    return found;
  }
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

/** Dates the last use of an entry. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Another user's cache, or another process removes the entry.
  }
}

/** What a kind of cache keeps: entries of any age up to a size in bytes, and all that were used in the last `days`. */
const kept = {
  features: { bytes: 4 * 2 ** 30, days: 1 },
  teachers: { bytes: 8 * 2 ** 30, days: 30 },
  tuned: { bytes: 2 ** 30, days: 30 },
} as const;

/** Removes the entries of a cache that were used least recently, above its size. @param now in ms, as file times */
export function trimCache(cache: string, kind: keyof typeof kept, now = Date.now()): void {
  const { bytes, days } = kept[kind];
  const folder = join(cache, kind);
  const entries = entriesOf(folder).sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { path, size, used } of entries) {
    total += size;
    if (total > bytes && now - used > days * 86_400_000) rmSync(path, { recursive: true, force: true });
  }
}

interface Entry {
  readonly path: string;
  /** Bytes of all files in it. */
  readonly size: number;
  /** In ms. */
  readonly used: number;
}

function entriesOf(folder: string): Entry[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      if (name.endsWith('.lock')) return [];
      const path = join(folder, name);
      const stats = statSync(path);
      const size = stats.isDirectory() ? entriesOf(path).reduce((sum, entry) => sum + entry.size, 0) : stats.size;
      return [{ path, size, used: stats.mtimeMs }];
    });
  } catch {
    // There is no such folder, or another process trims it.
    return [];
  }
}
