import Database from 'better-sqlite3';
import { invalidInput, messageOf, NasError } from '../base/errors.js';

/** The present as ms since 1970; an argument, so that tests and simulations decide it. */
export type Clock = () => number;

/** A value as SQLite takes it. */
type SqlValue = string | number | null | Uint8Array;

/** How long a writer that closes waits for readers to be gone, and between two tries, in ms. */
const patience = 500;
const pause = 10;

/** A prepared statement: parameters by name, rows as plain objects. */
export interface Statement<Row> {
  run(parameters: Readonly<Record<string, SqlValue>>): void;
  get(parameters: Readonly<Record<string, SqlValue>>): Row | undefined;
  all(parameters: Readonly<Record<string, SqlValue>>): Row[];
}

/**
 * One open database. Tables prepare their statements on it once and do their work inside `read` and `write`, which
 * are transactions and turn SQLite's errors into ones that the user understands.
 */
export class Connection {
  private readonly transaction: Database.Transaction<(task: () => unknown) => unknown>;

  constructor(
    private readonly database: Database.Database,
    readonly path: string,
    readonly clock: Clock,
  ) {
    this.transaction = database.transaction((task: () => unknown) => task());
  }

  /** A statement that is compiled when it is used first: a look at a run needs few of the many that there are. */
  prepare<Row = unknown>(sql: string): Statement<Row> {
    type Parameters = Readonly<Record<string, SqlValue>>;
    let compiled: Database.Statement<[Parameters], Row> | undefined;
    const statement = () => (compiled ??= this.explained(() => this.database.prepare<[Parameters], Row>(sql)));
    return {
      run: (parameters) => void statement().run(parameters),
      get: (parameters) => statement().get(parameters),
      all: (parameters) => statement().all(parameters),
    };
  }

  /** Runs a task that sees one state of the database. */
  read<T>(task: () => T): T {
    // The transaction returns what its task returns.
    return this.explained(() => this.transaction.deferred(task) as T);
  }

  /** Runs a task whose writes are all committed, or none. Inside another task it becomes a part of that one. */
  write<T>(task: () => T): T {
    return this.explained(() => this.transaction.immediate(task) as T);
  }

  /** The value of a JSON column. */
  readonly parse = (json: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw corrupt(this.path, `a JSON value cannot be read: ${messageOf(error)}`, error);
    }
  };

  /**
   * Closes the database; safe to call twice. A writer leaves one file behind (no `-wal` beside it), which can then be
   * read from a read-only folder, too. Whoever reads at this moment is waited for, half a second at most: looks at a run
   * are shorter than that.
   */
  close(): void {
    if (!this.database.open) return;
    if (!this.database.readonly) this.leaveOneFile();
    this.database.close();
  }

  private leaveOneFile(): void {
    const until = performance.now() + patience;
    for (;;) {
      try {
        // SQLite itself does not wait here: the write-ahead log ends only when no other connection is open.
        this.database.pragma('busy_timeout = 0');
        this.database.pragma('journal_mode = DELETE');
        return;
      } catch (error) {
        // A reader stays, or the disk is full: then the write-ahead log does, too, which loses nothing.
        const isBusy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
        if (!isBusy || performance.now() >= until) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      }
    }
  }

  private explained<T>(task: () => T): T {
    try {
      return task();
    } catch (error) {
      throw explainSqlite(error, this.path);
    }
  }
}

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
