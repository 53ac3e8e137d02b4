import Database from 'better-sqlite3';
import { NasError, invalidInput } from '../base/errors.js';

interface Failure {
  readonly code: 'invalid-input' | 'in-use';
  readonly what: string;
  readonly hint: string;
}

const damagedHint = 'Restore the file from a backup, or start the run again with --fresh.';

/** What SQLite's primary result codes mean to the user. Codes that are not listed are bugs of ours and pass unchanged. */
const failures: Readonly<Partial<Record<string, Failure>>> = {
  SQLITE_CORRUPT: {
    code: 'invalid-input',
    what: 'the database is damaged',
    hint: damagedHint,
  },
  SQLITE_NOTADB: {
    code: 'invalid-input',
    what: 'the file is not a database of nas',
    hint: 'Give the folder of a run, or start the run again with --fresh.',
  },
  SQLITE_READONLY: {
    code: 'invalid-input',
    what: 'the database cannot be written: the file or its folder is read-only',
    hint: 'Make the folder writable, or choose another one with --workdir.',
  },
  SQLITE_CANTOPEN: {
    code: 'invalid-input',
    what: 'the database cannot be opened',
    hint: 'Check that the folder exists and that you may read and write it, or choose another one with --workdir.',
  },
  SQLITE_PERM: {
    code: 'invalid-input',
    what: 'the database may not be accessed',
    hint: 'Check the permissions of the file and its folder.',
  },
  SQLITE_FULL: {
    code: 'invalid-input',
    what: 'the disk is full',
    hint: 'Free some space and run `nas resume`: everything recorded so far is kept.',
  },
  SQLITE_IOERR: {
    code: 'invalid-input',
    what: 'reading or writing the disk failed',
    hint: 'Check the disk and the space left on it, then run `nas resume`: everything recorded so far is kept.',
  },
  SQLITE_BUSY: {
    code: 'in-use',
    what: 'another process keeps the database locked',
    hint: 'Wait until it has ended, or end it.',
  },
};

/** `SQLITE_IOERR_WRITE` -> `SQLITE_IOERR`. */
const primary = (code: string): string => code.split('_').slice(0, 2).join('_');

/** The error that the user should see for one of SQLite's; other errors are returned as they are. */
export function explainSqlite(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const failure = failures[primary(error.code)];
  if (failure === undefined) return error;
  return new NasError(failure.code, `${path}: ${failure.what} (${error.code}: ${error.message})`, {
    hint: failure.hint,
    cause: error,
  });
}

/** A damaged database that SQLite itself did not notice. */
export const corrupt = (path: string, detail: string, cause?: unknown): NasError =>
  invalidInput(`${path}: the database is damaged (${detail})`, {
    hint: damagedHint,
    cause,
  });
