import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { invalidInput, messageOf } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { Connection, corrupt, explained, type Clock } from './connection.js';
import { migrations as released, type Migration } from './migrations/index.js';

/** Marks an SQLite file as a run of nas: "nasr" in ASCII. */
const applicationId = 0x6e617372;

/** How long a statement waits for another process's lock, in ms. */
const busyTimeout = 5000;

export interface OpenOptions {
  readonly readonly?: boolean;
  /** How long a statement waits for another process's lock, in ms. */
  readonly patience?: number;
  readonly clock?: Clock;
  readonly closingPatience?: number | undefined;
  /** The schema's steps; an argument so that upgrading can be tested. */
  readonly migrations?: readonly Migration[];
}

/**
 * Creates the database file at `path` with the current schema and what `fill` writes: complete or not at all.
 * @throws NasError `invalid-input` when the file exists or cannot be written.
 */
export function createDatabase(path: string, clock: Clock, fill: (connection: Connection) => void): void {
  if (existsSync(path)) {
    throw invalidInput(`${path}: the file exists already`, { hint: 'Continue it with `nas resume`, or use --fresh.' });
  }
  explained(path, () => {
    const { database, connection } = inMemory(path, clock);
    try {
      database.pragma(`application_id = ${applicationId}`);
      fill(connection);
      write(path, database.serialize());
    } finally {
      connection.close();
    }
  });
}

/** A database in memory with the current schema; it ends with the process. */
export const memoryDatabase = (clock: Clock): Connection => inMemory(':memory:', clock).connection;

function inMemory(path: string, clock: Clock) {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  migrate(database, path, released);
  return { database, connection: new Connection(database, path, clock) };
}

/**
 * Opens an existing database and upgrades an older schema; with `readonly`, in a copy in memory.
 *
 * Durability: a write-ahead log with `synchronous = NORMAL`. Committed data survives a kill of the process at any moment.
 * A power failure may lose the last commits, never consistency; the run then resumes from a slightly earlier moment.
 * Waiting for the disk at every commit (`FULL`) would save those commits at ten times the price.
 * @throws NasError `invalid-input`: missing, not of nas, damaged, newer than this version of nas, or not writable.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Connection {
  const { readonly = false, patience = busyTimeout, clock = Date.now, migrations = released } = options;
  const { closingPatience } = options;
  if (!existsSync(path)) {
    throw invalidInput(`${path}: there is no such file`, { hint: 'Give the folder of a run that was started before.' });
  }
  return explained(path, () => {
    const database = new Database(path, { readonly, fileMustExist: true, timeout: patience });
    try {
      checkApplication(database, path);
      checkVersion(database, path, migrations);
      if (readonly && pragma(database, 'user_version') !== newest(migrations)) {
        const upgraded = upgradedCopy(database, path, migrations);
        database.close();
        return new Connection(upgraded, path, clock);
      }
      if (!readonly) {
        checkIntegrity(database, path);
        database.pragma('journal_mode = WAL');
        database.pragma('synchronous = NORMAL');
        migrate(database, path, migrations);
      }
      database.pragma('foreign_keys = ON');
      return new Connection(database, path, clock, closingPatience);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

const pragma = (database: Database.Database, name: string): unknown => database.pragma(name, { simple: true });

const newest = (migrations: readonly Migration[]): number => migrations.at(-1)?.version ?? 0;

function checkApplication(database: Database.Database, path: string): void {
  if (pragma(database, 'application_id') !== applicationId) {
    throw invalidInput(`${path}: the file is not a database of nas`, { hint: 'Give the folder of a run.' });
  }
}

function checkVersion(database: Database.Database, path: string, migrations: readonly Migration[]): void {
  const version = Number(pragma(database, 'user_version'));
  const current = newest(migrations);
  if (version <= current) return;
  throw invalidInput(
    `${path}: the database was written by a newer version of nas (schema ${version}; this version knows up to ${current})`,
    { hint: 'Update nas.' },
  );
}

/** Bytes of the file header that say how it is written and read: 2 with a write-ahead log, 1 without. */
const journalBytes = [18, 19];

/** A copy in memory with the current schema; the file, which others may be using, stays as it is. */
function upgradedCopy(database: Database.Database, path: string, migrations: readonly Migration[]): Database.Database {
  const bytes = database.serialize();
  // A database in memory has no log beside it.
  for (const at of journalBytes) bytes[at] = 1;
  const copy = new Database(bytes);
  migrate(copy, path, migrations);
  copy.pragma('foreign_keys = ON');
  copy.pragma('query_only = ON');
  return copy;
}

function checkIntegrity(database: Database.Database, path: string): void {
  const verdict = pragma(database, 'quick_check(1)');
  if (verdict !== 'ok') throw corrupt(path, String(verdict));
}

function migrate(database: Database.Database, path: string, migrations: readonly Migration[]): void {
  const upgrade = database.transaction((migration: Migration) => {
    for (const statement of migration.statements) database.exec(statement);
    database.pragma(`user_version = ${migration.version}`);
  });
  const version = Number(pragma(database, 'user_version'));
  for (const migration of migrations.filter((step) => step.version > version)) upgrade.exclusive(migration);
  if (pragma(database, 'user_version') !== newest(migrations)) throw corrupt(path, `schema version ${version}`);
}

function write(path: string, content: Uint8Array): void {
  try {
    writeFileAtomic(path, content);
  } catch (cause) {
    throw invalidInput(`${path}: the file cannot be written (${messageOf(cause)})`, {
      hint: 'Choose another folder with --workdir.',
      cause,
    });
  }
}
