import Database from 'better-sqlite3';
import { invalidInput, messageOf, NasError } from '../base/errors.js';
import { separated } from '../base/text.js';

/** The present in ms since 1970; an argument, so that tests and simulations decide it. */
export type Clock = () => number;

type SqlValue = string | number | null | Uint8Array;
type Parameters = Readonly<Record<string, SqlValue>>;

/** How long a closing writer waits between two tries, in ms. */
const closingPause = 10;

/** `INSERT INTO attempts (started_at) VALUES ($startedAt)`. */
function insertion(table: string, row: Parameters): string {
  const names = Object.keys(row);
  const columns = names.map((name) => separated(name, '_'));
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${names.map((name) => `$${name}`).join(', ')})`;
}

/** A prepared query: parameters by name, rows as plain objects. */
export interface Query<Row> {
  get(parameters: Parameters): Row | undefined;
  all(parameters: Parameters): Row[];
}

/**
 * One open database. Tables prepare their statements on it once and work inside `read` and `write`: transactions that turn
 * SQLite's errors into ones that the user understands.
 */
export class Connection {
  private readonly transaction: Database.Transaction<(task: () => unknown) => unknown>;
  private readonly inserts = new Map<string, Database.Statement<[Parameters]>>();

  constructor(
    private readonly database: Database.Database,
    readonly path: string,
    readonly clock: Clock,
    private readonly closingPatience = 500,
  ) {
    this.transaction = database.transaction((task: () => unknown) => task());
  }

  /** A query that is compiled at its first use: a short visit needs few of them. */
  prepare<Row>(sql: string): Query<Row> {
    let compiled: Database.Statement<[Parameters], Row> | undefined;
    const statement = () => (compiled ??= this.explained(() => this.database.prepare<[Parameters], Row>(sql)));
    return {
      get: (parameters) => statement().get(parameters),
      all: (parameters) => statement().all(parameters),
    };
  }

  /**
   * Adds a row to a table, inside `write`. Its keys are the names of the columns in camel case, the same in all rows of a table: the
   * statement is compiled once.
   * @returns the row's id
   */
  insert(table: string, row: Parameters): number {
    const statement = this.inserts.get(table) ?? this.explained(() => this.database.prepare(insertion(table, row)));
    this.inserts.set(table, statement);
    return Number(statement.run(row).lastInsertRowid);
  }

  /** Runs a task that sees one state of the database. */
  read<T>(task: () => T): T {
    // The transaction returns what its task returns.
    return this.explained(() => this.transaction.deferred(task) as T);
  }

  /** Runs a task whose writes are all committed, or none. Inside another task it joins that task's transaction. */
  write<T>(task: () => T): T {
    return this.explained(() => this.transaction.immediate(task) as T);
  }

  readonly parse = (json: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw corrupt(this.path, `a JSON value cannot be read: ${messageOf(error)}`, error);
    }
  };

  /**
   * Closes the database; safe to call twice. A writer leaves one file behind (no `-wal` beside it), which can then be read
   * from a read-only folder, too. It waits for other connections, half a second at most (`StoreOptions.closingPatience`).
   */
  close(): void {
    if (!this.database.open) return;
    if (!this.database.readonly) this.leaveOneFile();
    this.database.close();
  }

  private leaveOneFile(): void {
    const until = performance.now() + this.closingPatience;
    for (;;) {
      try {
        // SQLite itself does not wait here: the write-ahead log ends only when no other connection is open.
        this.database.pragma('busy_timeout = 0');
        this.database.pragma('journal_mode = DELETE');
        return;
      } catch (error) {
        // When a reader stays, or the disk is full, the write-ahead log stays, too. That loses nothing.
        const isBusy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
        if (!isBusy || performance.now() >= until) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, closingPause);
      }
    }
  }

  private explained<T>(task: () => T): T {
    return explained(this.path, task);
  }
}

/** Runs a task; errors of SQLite become the errors that the user should see. */
export function explained<T>(path: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw explainSqlite(error, path);
  }
}

const damagedHint = 'Restore the file from a backup, or start the run again with --fresh.';

/** SQLite's primary result codes for the user. Codes that are not listed are bugs of nas and pass unchanged. */
const failures: Readonly<Partial<Record<string, { readonly what: string; readonly hint: string }>>> = {
  SQLITE_CORRUPT: { what: 'the database is damaged', hint: damagedHint },
  SQLITE_NOTADB: {
    what: 'the file is not a database of nas',
    hint: 'Give the folder of a run, or start the run again with --fresh.',
  },
  SQLITE_READONLY: {
    what: 'the database cannot be written: the file or its folder is read-only',
    hint: 'Make the folder writable, or choose another one with --workdir.',
  },
  SQLITE_CANTOPEN: {
    what: 'the database cannot be opened',
    hint: 'Check that the folder exists and that you may read and write it, or choose another one with --workdir.',
  },
  SQLITE_PERM: {
    what: 'the database may not be accessed',
    hint: 'Check the permissions of the file and its folder.',
  },
  SQLITE_FULL: {
    what: 'the disk is full',
    hint: 'Free some space and run `nas resume`: everything recorded so far is kept.',
  },
  SQLITE_IOERR: {
    what: 'reading or writing the disk failed',
    hint: 'Check the disk and the space left on it, then run `nas resume`: everything recorded so far is kept.',
  },
  SQLITE_BUSY: {
    what: 'another process keeps the database locked',
    hint: 'Wait until it has ended, or end it.',
  },
};

/** `SQLITE_IOERR_WRITE` -> `SQLITE_IOERR`. */
const primary = (code: string): string => code.split('_').slice(0, 2).join('_');

/** The error that the user should see for one of SQLite's; other errors are returned as they are. */
export function explainSqlite(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const name = primary(error.code);
  const failure = failures[name];
  if (failure === undefined) return error;
  const code = name === 'SQLITE_BUSY' ? 'in-use' : 'invalid-input';
  return new NasError(code, `${path}: ${failure.what} (${error.code}: ${error.message})`, {
    hint: failure.hint,
    cause: error,
  });
}

/** A damaged database that SQLite itself did not notice. */
export const corrupt = (path: string, detail: string, cause?: unknown): NasError =>
  invalidInput(`${path}: the database is damaged (${detail})`, { hint: damagedHint, cause });
