/** SQLite cannot change a check: a table is made anew, and its history carried over. What hangs on it goes with it. */
const putAside = [
  'DROP VIEW curves',
  'DROP VIEW current_artifacts',
  ...['epochs', 'artifacts'].flatMap((table) => [
    `DROP TRIGGER ${table}_no_update`,
    `DROP TRIGGER ${table}_no_delete`,
    `DROP INDEX ${table}_by_trial`,
    `ALTER TABLE ${table} RENAME TO old_${table}`,
  ]),
];

/** What a row is about, in the tables of all trainings: a trial, a shrunk network, or neither. */
const subject = `stage TEXT NOT NULL CHECK (stage IN ('search', 'final', 'teacher', 'supernet', 'shrunk')),
    trial INTEGER REFERENCES trials (number),
    shrunk INTEGER REFERENCES shrunk (number)`;
const subjectChecks = `CHECK ((trial IS NOT NULL) = (stage IN ('search', 'final'))),
    CHECK ((shrunk IS NOT NULL) = (stage = 'shrunk'))`;

const tables = [
  // Networks that were cut out of a trained one: what was wanted and what was made ...
  `CREATE TABLE shrunk (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    parent INTEGER NOT NULL REFERENCES trials (number),
    network TEXT NOT NULL,
    target TEXT NOT NULL CHECK (target IN ('latency_ms', 'macs')),
    target_value REAL NOT NULL,
    importance TEXT NOT NULL,
    multiple INTEGER NOT NULL CHECK (multiple >= 1),
    widths TEXT NOT NULL,
    macs INTEGER NOT NULL,
    params INTEGER NOT NULL,
    latencies TEXT,
    epochs INTEGER NOT NULL CHECK (epochs >= 0),
    began_at INTEGER NOT NULL
  ) STRICT`,
  // ... and what became of it.
  `CREATE TABLE shrunk_outcomes (
    number INTEGER PRIMARY KEY REFERENCES shrunk (number),
    state TEXT NOT NULL CHECK (state IN ('complete', 'failed')),
    accuracy REAL,
    test_accuracy REAL,
    accuracy_before REAL,
    test_accuracy_before REAL,
    parent_accuracy REAL,
    parent_test_accuracy REAL,
    seconds REAL NOT NULL,
    message TEXT,
    finished_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE epochs (
    seq INTEGER PRIMARY KEY,
    ${subject},
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    train_loss REAL NOT NULL,
    train_accuracy REAL NOT NULL,
    validation_loss REAL NOT NULL,
    validation_accuracy REAL NOT NULL,
    learning_rate REAL NOT NULL,
    seconds REAL NOT NULL,
    ${subjectChecks}
  ) STRICT`,
  `CREATE TABLE artifacts (
    seq INTEGER PRIMARY KEY,
    ${subject},
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    ${subjectChecks}
  ) STRICT`,
  `ALTER TABLE finals ADD COLUMN from_weights TEXT NOT NULL DEFAULT 'nothing'
     CHECK (from_weights IN ('nothing', 'weights', 'supernet'))`,
];

const epochColumns = `seq, stage, trial, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy,
   learning_rate, seconds`;
const artifactColumns = 'seq, stage, trial, kind, path, sha256, bytes, written_at';

const carryOver = [
  `INSERT INTO epochs (${epochColumns}) SELECT ${epochColumns} FROM old_epochs`,
  `INSERT INTO artifacts (${artifactColumns}) SELECT ${artifactColumns} FROM old_artifacts`,
  'DROP TABLE old_epochs',
  'DROP TABLE old_artifacts',
];

const views = [
  'CREATE INDEX epochs_by_trial ON epochs (stage, trial, epoch)',
  'CREATE INDEX artifacts_by_trial ON artifacts (trial)',
  `CREATE VIEW curves AS
   SELECT stage, trial, shrunk, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, learning_rate,
     seconds, max(seq) AS seq
   FROM epochs GROUP BY stage, trial, shrunk, epoch`,
  `CREATE VIEW current_artifacts AS
   SELECT trial, shrunk, stage, kind, path, sha256, bytes, written_at, max(seq) AS seq
   FROM artifacts GROUP BY stage, trial, shrunk, kind, path`,
];

const appendOnly = ['shrunk', 'shrunk_outcomes', 'epochs', 'artifacts'].flatMap((table) =>
  ['UPDATE', 'DELETE'].map(
    (action) =>
      `CREATE TRIGGER ${table}_no_${action.toLowerCase()} BEFORE ${action} ON ${table}
       BEGIN SELECT raise(ABORT, '${table} is append-only'); END`,
  ),
);

/** Weights that networks share: the supernet's curve and files, where finals began, and networks that were shrunk. */
export const migration2 = {
  version: 2,
  statements: [...putAside, ...tables, ...carryOver, ...views, ...appendOnly],
};
