const tables = [
  `CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    seed INTEGER NOT NULL,
    source TEXT NOT NULL,
    experiment TEXT NOT NULL,
    threads INTEGER NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE run_states (
    seq INTEGER PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'interrupted', 'infeasible', 'failed')),
    message TEXT,
    at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE networks (
    genotype_id TEXT PRIMARY KEY,
    network TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE trials (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    genotype TEXT NOT NULL,
    genotype_id TEXT NOT NULL UNIQUE REFERENCES networks (genotype_id),
    choices TEXT NOT NULL,
    seed INTEGER NOT NULL,
    reason TEXT NOT NULL,
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    pending TEXT NOT NULL,
    asked_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE predictions (
    trial INTEGER PRIMARY KEY REFERENCES trials (number),
    ms REAL NOT NULL,
    std REAL NOT NULL,
    coverage REAL NOT NULL CHECK (coverage BETWEEN 0 AND 1)
  ) STRICT`,
  `CREATE TABLE attempts (
    stage TEXT NOT NULL CHECK (stage IN ('search', 'final')),
    trial INTEGER NOT NULL REFERENCES trials (number),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    started_at INTEGER NOT NULL,
    PRIMARY KEY (stage, trial, attempt)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE epochs (
    seq INTEGER PRIMARY KEY,
    stage TEXT NOT NULL CHECK (stage IN ('search', 'final', 'teacher')),
    trial INTEGER REFERENCES trials (number),
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    train_loss REAL NOT NULL,
    train_accuracy REAL NOT NULL,
    validation_loss REAL NOT NULL,
    validation_accuracy REAL NOT NULL,
    learning_rate REAL NOT NULL,
    seconds REAL NOT NULL,
    CHECK ((trial IS NULL) = (stage = 'teacher'))
  ) STRICT`,
  `CREATE INDEX epochs_by_trial ON epochs (stage, trial, epoch)`,
  `CREATE TABLE outcomes (
    trial INTEGER PRIMARY KEY REFERENCES trials (number),
    state TEXT NOT NULL CHECK (state IN ('complete', 'pruned', 'failed')),
    message TEXT,
    finished_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE trial_values (
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    objective TEXT NOT NULL,
    value REAL NOT NULL,
    provenance TEXT NOT NULL CHECK (provenance IN ('measured', 'predicted', 'imported', 'computed'))
  ) STRICT`,
  `CREATE INDEX trial_values_by_trial ON trial_values (trial, objective)`,
  `CREATE TABLE measurements (
    id INTEGER PRIMARY KEY,
    trial INTEGER REFERENCES trials (number),
    genotype_id TEXT NOT NULL REFERENCES networks (genotype_id),
    purpose TEXT NOT NULL CHECK (purpose IN ('calibration', 'trial', 'frontier')),
    device TEXT NOT NULL,
    ms REAL NOT NULL,
    p50 REAL NOT NULL,
    p95 REAL NOT NULL,
    p99 REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    converged INTEGER NOT NULL CHECK (converged IN (0, 1)),
    samples BLOB NOT NULL,
    environment TEXT NOT NULL,
    taken_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX measurements_by_trial ON measurements (trial)`,
  `CREATE TABLE finals (
    trial INTEGER PRIMARY KEY REFERENCES trials (number),
    state TEXT NOT NULL CHECK (state IN ('complete', 'failed')),
    accuracy REAL,
    test_accuracy REAL,
    epochs INTEGER NOT NULL,
    seconds REAL NOT NULL,
    message TEXT,
    finished_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE artifacts (
    seq INTEGER PRIMARY KEY,
    trial INTEGER REFERENCES trials (number),
    stage TEXT NOT NULL CHECK (stage IN ('search', 'final', 'teacher')),
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    written_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX artifacts_by_trial ON artifacts (trial)`,
  `CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trial INTEGER REFERENCES trials (number),
    detail TEXT NOT NULL
  ) STRICT`,
];

const views = [
  // Where each trial stands: what was asked, and what the history says of it since.
  `CREATE VIEW trial_states AS
   SELECT t.number, t.genotype, t.genotype_id, t.choices, t.seed, t.reason, t.rejected, t.pending, t.asked_at,
     (SELECT min(started_at) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS started_at,
     (SELECT count(*) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS attempts,
     coalesce(o.state, iif(EXISTS (SELECT 1 FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number),
       'running', 'waiting')) AS state,
     o.message, o.finished_at
   FROM trials t LEFT JOIN outcomes o ON o.trial = t.number`,
  // Objective values as they stand; a later row (measured after predicted, say) replaces an earlier one.
  `CREATE VIEW objective_values AS
   SELECT trial, objective, value, provenance, max(seq) AS seq FROM trial_values GROUP BY trial, objective`,
  // What the Pareto frontier is computed from.
  `CREATE VIEW pareto_values AS
   SELECT v.trial, v.objective, v.value, v.provenance
   FROM objective_values v JOIN outcomes o ON o.trial = v.trial WHERE o.state = 'complete'`,
  // An epoch that was trained again after a crash counts once, as it was trained last.
  `CREATE VIEW curves AS
   SELECT stage, trial, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, learning_rate, seconds,
     max(seq) AS seq
   FROM epochs GROUP BY stage, trial, epoch`,
  `CREATE VIEW current_artifacts AS
   SELECT trial, stage, kind, path, sha256, bytes, written_at, max(seq) AS seq
   FROM artifacts GROUP BY stage, trial, kind, path`,
  `CREATE VIEW progress AS SELECT state, count(*) AS trials FROM trial_states GROUP BY state`,
  `CREATE VIEW run_status AS SELECT status, message, at FROM run_states ORDER BY seq DESC LIMIT 1`,
];

const history = [
  'run',
  'run_states',
  'networks',
  'trials',
  'predictions',
  'attempts',
  'epochs',
  'outcomes',
  'trial_values',
  'measurements',
  'finals',
  'artifacts',
  'events',
];

/** The database itself keeps the history append-only. */
const appendOnly = history.flatMap((table) =>
  ['UPDATE', 'DELETE'].map(
    (action) =>
      `CREATE TRIGGER ${table}_no_${action.toLowerCase()} BEFORE ${action} ON ${table}
       BEGIN SELECT raise(ABORT, '${table} is append-only'); END`,
  ),
);

/** A run as append-only history; where things stand are views of it. Times are ms since 1970, JSON is text. */
export const migration1 = { version: 1, statements: [...tables, ...views, ...appendOnly] };
