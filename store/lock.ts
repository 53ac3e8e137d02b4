import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { NasError, invalidInput, messageOf } from '../base/errors.js';
import { makeDirectory } from '../base/files.js';
import { explainSqlite, isBusy } from './sqlite-errors.js';

/** The right to write to a workdir. */
export interface Lock {
  /** Gives it back; safe to call twice. */
  release(): void;
}

/**
 * Takes a workdir for this process, making it when missing. What is locked is the file `nas.lock`, by the operating
 * system through SQLite, so the lock ends with the process however that ends: a lock is never stale. `nas.lock.json`
 * beside it only tells others who holds it.
 * @throws NasError `in-use` when another run holds it, naming its process; `invalid-input` when it cannot be written.
 */
export function lockWorkdir(directory: string, clock: () => number = Date.now): Lock {
  const path = join(directory, 'nas.lock');
  const holder = `${path}.json`;
  try {
    makeDirectory(directory);
  } catch (cause) {
    throw unwritable(directory, cause);
  }
  const database = take(path, holder, directory);
  try {
    writeFileSync(holder, JSON.stringify({ pid: process.pid, since: new Date(clock()).toISOString() }));
  } catch (cause) {
    database.close();
    throw unwritable(directory, cause);
  }
  return {
    release() {
      if (!database.open) return;
      rmSync(holder, { force: true });
      database.close();
    },
  };
}

/** The exclusive transaction that is the lock; it is never committed and ends when the connection is closed. */
function take(path: string, holder: string, directory: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    if (!isBusy(cause)) throw explainSqlite(cause, path);
    throw new NasError('in-use', `${directory}: ${describeHolder(holder)} is working here`, {
      hint: 'Wait until it has ended, end it, or choose another folder with --workdir.',
      cause,
    });
  }
}

function describeHolder(holder: string): string {
  try {
    const { pid, since } = JSON.parse(readFileSync(holder, 'utf8')) as { pid: unknown; since: unknown };
    return `process ${String(pid)} (since ${String(since)})`;
  } catch {
    // The file is written just after the lock is taken.
    return 'another process';
  }
}

const unwritable = (directory: string, cause: unknown): NasError =>
  invalidInput(`${directory}: the folder cannot be written (${messageOf(cause)})`, {
    hint: 'Make it writable, or choose another folder with --workdir.',
    cause,
  });
