import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { z } from 'zod';

/** A held lock; `using` releases it at the end of a block. */
export interface Lock extends Disposable {
  /** Safe to call twice. */
  release(): void;
}

const lockOf = (release: () => void): Lock => ({ release, [Symbol.dispose]: release });

/**
 * Takes the exclusive lock of a file; null when it is held. The operating system locks the file through SQLite and releases
 * it with the process: a lock is never stale. The file stays; `path`.json names the holder.
 * @throws the file system's or SQLite's error when the files cannot be written
 */
export function takeLock(path: string, clock: () => number = Date.now): Lock | null {
  const holder = `${path}.json`;
  const database = lockFile(path);
  if (database === null) return null;
  try {
    writeFileSync(holder, JSON.stringify({ pid: process.pid, since: new Date(clock()).toISOString() }));
  } catch (error) {
    database.close();
    throw error;
  }
  return lockOf(() => {
    if (!database.open) return;
    rmSync(holder, { force: true });
    database.close();
  });
}

/**
 * Takes a shared lock, which excludes `takeLock` by others; null while a process holds the exclusive lock. It ends with the
 * process.
 * @throws SQLite's error when the file cannot be opened
 */
export function shareLock(path: string): Lock | null {
  const database = new Database(path, { timeout: patience });
  try {
    // A read transaction that stays open.
    database.exec('BEGIN');
    database.pragma('schema_version');
    return lockOf(() => void database.close());
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Whether a lock is held; does not take it or block others. */
export function isLocked(path: string): boolean {
  // A pipe would block the process that opens it.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const database = new Database(path, { readonly: true, timeout: 0 });
  try {
    database.pragma('schema_version');
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');

/** Milliseconds that `takeLock` waits for concurrent `isLocked` calls. */
const patience = 50;

/** The lock is an exclusive transaction, which ends when the connection is closed. */
function lockFile(path: string): Database.Database | null {
  const database = new Database(path, { timeout: patience });
  try {
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

const holderSchema = z.object({ pid: z.number(), since: z.string() });

/** The process that holds a lock, and since when. */
export type Holder = z.infer<typeof holderSchema>;

/** The holder of a lock; null when there is none, or its file is not there yet: it appears shortly after the lock is taken. */
export function holderOf(path: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(`${path}.json`, 'utf8')));
  } catch {
    return null;
  }
}

/** The holder of a lock, for messages: `process 123 (since 2026-01-02T03:04:05.000Z)`. */
export function describeHolder(path: string): string {
  const holder = holderOf(path);
  return holder === null ? 'another process' : `process ${holder.pid} (since ${holder.since})`;
}

interface WaitOptions {
  /** Called once with the holder when the lock is not free. */
  readonly onWait?: (holder: string) => void;
  /** Milliseconds between two attempts. Default: 200. */
  readonly interval?: number;
  /** Awaited between two attempts. */
  readonly pause?: (() => Promise<void> | void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a lock as soon as it is free.
 * @throws an AbortError when the signal is aborted; as `takeLock`
 */
export async function waitForLock(path: string, options: WaitOptions): Promise<Lock> {
  const { onWait, interval = 200, pause, signal } = options;
  for (let isFirst = true; ; isFirst = false) {
    const lock = takeLock(path);
    if (lock !== null) return lock;
    if (isFirst) onWait?.(describeHolder(path));
    await setTimeout(interval, undefined, { signal });
    await pause?.();
  }
}
