import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { databasePath } from '../../../runner/stored/workdir.js';

/** A folder in memory where there is one: thousands of lives write little and often. */
export function lifeFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'nas-life-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function change(workdir: string, sql: string): void {
  const database = new Database(databasePath(workdir));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

const name = 'nas_test_no_more_writes';

/**
 * From so many further events on, SQLite refuses each write to a run, whoever makes it: the disk is full, or the process is
 * dead. Each write of a run stores an event.
 */
export const refuseWrites = (workdir: string, after: number): void =>
  change(
    workdir,
    `CREATE TABLE ${name} AS SELECT coalesce(max(seq), 0) + ${after} AS last FROM events;
     CREATE TRIGGER ${name}_trigger BEFORE INSERT ON events
     WHEN (SELECT max(seq) FROM events) >= (SELECT last FROM ${name})
     BEGIN SELECT RAISE(ABORT, '${name}'); END`,
  );

export const allowWrites = (workdir: string): void =>
  change(workdir, `DROP TABLE IF EXISTS ${name}; DROP TRIGGER IF EXISTS ${name}_trigger`);

export const isRefusal = (error: unknown): boolean => error instanceof Error && error.message.includes(name);

/** Runs a task while another connection keeps the database of a run locked. */
export async function locked<T>(workdir: string, task: () => Promise<T>): Promise<T> {
  const database = new Database(databasePath(workdir));
  try {
    database.exec('BEGIN IMMEDIATE');
    return await task();
  } finally {
    database.close();
  }
}

/** Keeps a database locked for so many ms, if it is free, and says when it does. */
const holding = `
const Database = require('better-sqlite3');
require('node:worker_threads').parentPort.on('message', ({ path, ms, isLocked }) => {
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
  } catch {}
  Atomics.store(isLocked, 0, 1);
  Atomics.notify(isLocked, 0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  database.close();
});
`;
let holder: Worker | undefined;

/** Another thread keeps the database of a run locked from now on, for so many ms. */
export function lockFor(workdir: string, ms: number): void {
  if (holder === undefined) {
    holder = new Worker(holding, { eval: true });
    holder.unref();
  }
  const isLocked = new Int32Array(new SharedArrayBuffer(4));
  holder.postMessage({ path: databasePath(workdir), ms, isLocked });
  Atomics.wait(isLocked, 0, 0);
}

/** Number of the last event of a run, which another process may be creating; 0 without one. */
export function lastEvent(workdir: string): number {
  try {
    const database = new Database(databasePath(workdir), { readonly: true, fileMustExist: true });
    try {
      return database.prepare<[], number>('SELECT max(seq) FROM events').pluck().get() ?? 0;
    } finally {
      database.close();
    }
  } catch {
    return 0;
  }
}
