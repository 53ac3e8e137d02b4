import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import { invalidInput, messageOf } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { Connection, corrupt, explained, type Clock } from './connection.js';
import { schema, schemaVersion } from './schema.js';

/** Marks an SQLite file as a run of nas: "nasr" in ASCII. */
const applicationId = 0x6e617372;

export interface StoreOptions {
  /** Nothing is written, and a run that goes on at this moment is not disturbed. Default: false. */
  readonly readonly?: boolean;
  /** How long a call waits for another process's lock before it fails as `in-use`, in ms. Default: 5000. */
  readonly patience?: number;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  /**
   * How long `close` waits for other connections, so that it leaves one file behind, in ms; 0 where several processes work
   * on the run by design. Default: 500.
   */
  readonly closingPatience?: number;
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
  for (const statement of schema) database.exec(statement);
  database.pragma(`user_version = ${schemaVersion}`);
  return { database, connection: new Connection(database, path, clock) };
}

/**
 * Opens an existing database.
 *
 * Durability: a write-ahead log with `synchronous = NORMAL`. Committed data survives a kill of the process at any moment.
 * A power failure may lose the last commits, never consistency; the run then resumes from a slightly earlier moment.
 * Waiting for the disk at every commit (`FULL`) would save those commits at ten times the price.
 * @throws NasError `invalid-input`: missing, not of nas, damaged, written by another version of nas, or not writable.
 */
export function openDatabase(path: string, options: StoreOptions): Connection {
  const { readonly = false, patience = 5000, clock = Date.now, closingPatience } = options;
  if (!existsSync(path)) {
    throw invalidInput(`${path}: there is no such file`, { hint: 'Give the folder of a run that was started before.' });
  }
  return explained(path, () => {
    const database = new Database(path, { readonly, fileMustExist: true, timeout: patience });
    try {
      checkApplication(database, path);
      checkVersion(database, path);
      checkSchema(database, path);
      if (!readonly) {
        checkIntegrity(database, path);
        database.pragma('journal_mode = WAL');
        database.pragma('synchronous = NORMAL');
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

function checkApplication(database: Database.Database, path: string): void {
  if (pragma(database, 'application_id') !== applicationId) {
    throw invalidInput(`${path}: the file is not a database of nas`, { hint: 'Give the folder of a run.' });
  }
}

function checkVersion(database: Database.Database, path: string): void {
  const version = Number(pragma(database, 'user_version'));
  if (version === schemaVersion) return;
  const age = version > schemaVersion ? 'a newer' : 'an older';
  throw invalidInput(
    `${path}: the database was written by ${age} version of nas (schema ${version}; this version reads ${schemaVersion})`,
    { hint: version > schemaVersion ? 'Update nas.' : 'Open it with the version that wrote it, or begin another run.' },
  );
}

const schemaOf = (database: Database.Database): unknown =>
  database.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').raw().all();

let ownSchema: unknown;

/** What `schema` makes; the page opens runs several times a second. */
function expectedSchema(): unknown {
  if (ownSchema !== undefined) return ownSchema;
  const own = new Database(':memory:');
  for (const statement of schema) own.exec(statement);
  ownSchema = schemaOf(own);
  own.close();
  return ownSchema;
}

/** Refuses a file with other tables, views or triggers: a reader would run the queries of the file's author. */
function checkSchema(database: Database.Database, path: string): void {
  if (!isDeepStrictEqual(schemaOf(database), expectedSchema())) throw corrupt(path, 'it has other tables than a run');
}

function checkIntegrity(database: Database.Database, path: string): void {
  const verdict = pragma(database, 'quick_check(1)');
  if (verdict !== 'ok') throw corrupt(path, String(verdict));
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
