import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';

/** The right to do something that only one process may do at a time. */
export interface Lock {
  /** Gives it back; safe to call twice. */
  release(): void;
}

/**
 * Takes a lock for this process; null when somebody holds it. What is locked is the file `path`, by the operating system
 * through SQLite, so the lock ends with the process however that ends: a lock is never stale. The file stays;
 * `path`.json beside it only tells others who holds it.
 * @throws the file system's or SQLite's error when the files cannot be written.
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
  return {
    release() {
      if (!database.open) return;
      rmSync(holder, { force: true });
      database.close();
    },
  };
}

/**
 * Takes a share of a lock, which any number may have at a time, and which keeps others from taking all of it; null when
 * somebody holds it. It ends with the process, as the lock does.
 * @throws SQLite's error when the file cannot be opened: its folder is gone, say.
 */
export function shareLock(path: string): Lock | null {
  const database = new Database(path, { timeout: patience });
  try {
    // A reading transaction, which is never ended.
    database.exec('BEGIN');
    database.pragma('schema_version');
    return { release: () => void database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Whether somebody holds a lock. Looking neither takes it nor keeps anybody from taking it. */
export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
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

/** For so many ms, who takes a lock waits for those who only look (`isLocked`). */
const patience = 50;

/** The exclusive transaction that is the lock; it is never committed and ends when the connection is closed. */
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

/** Who holds a lock, for people: `process 123 (since 2026-01-02T03:04:05.000Z)`. */
export function describeHolder(path: string): string {
  try {
    const { pid, since } = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as { pid: unknown; since: unknown };
    return `process ${String(pid)} (since ${String(since)})`;
  } catch {
    // The file is written just after the lock is taken.
    return 'another process';
  }
}

export interface WaitOptions {
  /** Told once who holds the lock, when it is not free. */
  readonly onWait: (holder: string) => void;
  /** Awaited between two attempts. */
  readonly pause?: (() => Promise<void> | void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds between two attempts. */
const interval = 200;

/**
 * Takes a lock as soon as nobody holds it.
 * @throws an AbortError when the signal is aborted meanwhile; as `takeLock`
 */
export async function waitForLock(path: string, { onWait, pause, signal }: WaitOptions): Promise<Lock> {
  for (let told = false; ; told = true) {
    const lock = takeLock(path);
    if (lock !== null) return lock;
    if (!told) onWait(describeHolder(path));
    await setTimeout(interval, undefined, { signal });
    await pause?.();
  }
}
