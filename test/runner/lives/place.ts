import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
