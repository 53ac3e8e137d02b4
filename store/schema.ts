const precision = `precision TEXT NOT NULL CHECK (precision IN ('fp32', 'int8'))`;
const provenance = `provenance TEXT NOT NULL CHECK (provenance IN ('measured', 'predicted', 'imported', 'computed'))`;

/** Stages of training that belong to a trial. */
const ofTrials = `'search', 'final'`;

/** What a training trains: a trial, or the run's teacher or supernet. */
const training = `stage TEXT NOT NULL CHECK (stage IN (${ofTrials}, 'teacher', 'supernet')),
    trial INTEGER REFERENCES trials (number)`;
const trainingChecks = `CHECK ((trial IS NOT NULL) = (stage IN (${ofTrials})))`;

/** Each table is append-only history. Times are ms since 1970, JSON is text. A later row replaces an earlier one. */
const tables = {
  run: `
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    seed INTEGER NOT NULL,
    source TEXT NOT NULL,
    experiment TEXT NOT NULL,
    threads INTEGER NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    created_at INTEGER NOT NULL`,
  run_states: `
    seq INTEGER PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'interrupted', 'infeasible', 'failed')),
    message TEXT,
    at INTEGER NOT NULL`,
  networks: `
    genotype_id TEXT PRIMARY KEY,
    network TEXT NOT NULL`,
  trials: `
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    genotype TEXT NOT NULL,
    genotype_id TEXT NOT NULL UNIQUE REFERENCES networks (genotype_id),
    choices TEXT NOT NULL,
    seed INTEGER NOT NULL,
    reason TEXT NOT NULL,
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    pending TEXT NOT NULL,
    asked_at INTEGER NOT NULL`,
  predictions: `
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    ms REAL NOT NULL,
    std REAL NOT NULL,
    coverage REAL NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    PRIMARY KEY (trial, precision)`,
  attempts: `
    stage TEXT NOT NULL CHECK (stage IN (${ofTrials})),
    trial INTEGER NOT NULL REFERENCES trials (number),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    started_at INTEGER NOT NULL,
    PRIMARY KEY (stage, trial, attempt)`,
  // `metrics` is a JSON object of numbers by class metric.
  epochs: `
    seq INTEGER PRIMARY KEY,
    ${training},
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    train_loss REAL NOT NULL,
    train_accuracy REAL NOT NULL,
    validation_loss REAL NOT NULL,
    validation_accuracy REAL NOT NULL,
    metrics TEXT,
    learning_rate REAL NOT NULL,
    seconds REAL NOT NULL,
    ${trainingChecks}`,
  outcomes: `
    trial INTEGER PRIMARY KEY REFERENCES trials (number),
    state TEXT NOT NULL CHECK (state IN ('complete', 'pruned', 'failed')),
    message TEXT,
    finished_at INTEGER NOT NULL`,
  trial_values: `
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    objective TEXT NOT NULL,
    value REAL NOT NULL,
    ${provenance}`,
  // The precision whose values are the trial's own; fp32 without a row.
  chosen_precisions: `
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision}`,
  variant_values: `
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    objective TEXT NOT NULL,
    value REAL NOT NULL,
    ${provenance}`,
  variant_verdicts: `
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
    reason TEXT,
    detail TEXT NOT NULL`,
  // p99 is null for measurements with too few runs.
  measurements: `
    id INTEGER PRIMARY KEY,
    trial INTEGER REFERENCES trials (number),
    genotype_id TEXT NOT NULL REFERENCES networks (genotype_id),
    purpose TEXT NOT NULL CHECK (purpose IN ('calibration', 'trial', 'frontier')),
    ${precision},
    device TEXT NOT NULL,
    ms REAL NOT NULL,
    p50 REAL NOT NULL,
    p95 REAL NOT NULL,
    p99 REAL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    converged INTEGER NOT NULL CHECK (converged IN (0, 1)),
    samples BLOB NOT NULL,
    environment TEXT NOT NULL,
    taken_at INTEGER NOT NULL`,
  finals: `
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    state TEXT NOT NULL CHECK (state IN ('complete', 'failed')),
    accuracy REAL,
    test_accuracy REAL,
    epochs INTEGER NOT NULL,
    seconds REAL NOT NULL,
    from_weights TEXT NOT NULL CHECK (from_weights IN ('nothing', 'weights', 'supernet')),
    message TEXT,
    finished_at INTEGER NOT NULL,
    PRIMARY KEY (trial, precision)`,
  // `cells` is a JSON list of [actual class, predicted class, images] without zeros; `details` a JSON object of results by
  // label or number, null for a classification.
  class_results: `
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    stage TEXT NOT NULL CHECK (stage IN ('search', 'final')),
    ${precision},
    split TEXT NOT NULL CHECK (split IN ('validation', 'test')),
    classes TEXT NOT NULL,
    cells TEXT NOT NULL,
    calibration_error REAL NOT NULL,
    details TEXT`,
  artifacts: `
    seq INTEGER PRIMARY KEY,
    ${training},
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    ${trainingChecks}`,
  events: `
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trial INTEGER REFERENCES trials (number),
    detail TEXT NOT NULL`,
};

/** Tables with a key of several columns, which is where their rows lie. */
const withoutRowId: readonly (keyof typeof tables)[] = ['predictions', 'attempts', 'finals'];

/** Kinds of events that every trial has several of: an index of them would cost each trial pages to write. */
export const isRare =
  "kind NOT IN ('asked', 'started', 'taken', 'promoted', 'epoch', 'reported', 'finished', 'values', 'variant-values', 'variant-judged', 'measured', 'artifact')";

const indices = [
  'epochs_by_trial ON epochs (stage, trial, epoch)',
  'trial_values_by_trial ON trial_values (trial, objective)',
  'chosen_precisions_by_trial ON chosen_precisions (trial)',
  'variant_values_by_trial ON variant_values (trial, precision, objective)',
  'variant_verdicts_by_trial ON variant_verdicts (trial, precision)',
  'measurements_by_trial ON measurements (trial)',
  'class_results_by_trial ON class_results (trial)',
  'artifacts_by_trial ON artifacts (trial)',
  'events_by_trial ON events (trial)',
  `events_by_kind ON events (kind) WHERE ${isRare}`,
];

/** The current state, computed from the history. */
const views = {
  trial_states: `
    SELECT t.number, t.genotype, t.genotype_id, t.choices, t.seed, t.reason, t.rejected, t.pending, t.asked_at,
      (SELECT min(started_at) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS started_at,
      (SELECT count(*) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS attempts,
      coalesce(o.state, iif(EXISTS (SELECT 1 FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number),
        'running', 'waiting')) AS state,
      coalesce((SELECT p.precision FROM chosen_precisions p WHERE p.trial = t.number ORDER BY p.seq DESC LIMIT 1),
        'fp32') AS precision,
      o.message, o.finished_at
    FROM trials t LEFT JOIN outcomes o ON o.trial = t.number`,
  progress: 'SELECT state, count(*) AS trials FROM trial_states GROUP BY state',
  objective_values:
    'SELECT trial, objective, value, provenance, max(seq) AS seq FROM trial_values GROUP BY trial, objective',
  // An epoch that was trained again after a kill counts once.
  curves: `
    SELECT stage, trial, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, metrics,
      learning_rate, seconds, max(seq) AS seq
    FROM epochs GROUP BY stage, trial, epoch`,
  current_artifacts: `
    SELECT trial, stage, kind, path, sha256, bytes, written_at, max(seq) AS seq
    FROM artifacts GROUP BY stage, trial, kind, path`,
  run_status: 'SELECT status, message, at FROM run_states ORDER BY seq DESC LIMIT 1',
};

/** The database itself keeps a table append-only. */
const appendOnly = (table: string): string[] =>
  ['UPDATE', 'DELETE'].map(
    (action) =>
      `CREATE TRIGGER ${table}_no_${action.toLowerCase()} BEFORE ${action} ON ${table}
       BEGIN SELECT raise(ABORT, '${table} is append-only'); END`,
  );

/** Stored in each database. A release that changes the schema raises it; 1 to 10 were never released. */
export const schemaVersion = 11;

/** The SQL statements that make an empty database one of a run. */
export const schema: readonly string[] = [
  ...Object.entries(tables).map(
    ([name, columns]) =>
      `CREATE TABLE ${name} (${columns}\n) STRICT${(withoutRowId as readonly string[]).includes(name) ? ', WITHOUT ROWID' : ''}`,
  ),
  ...indices.map((index) => `CREATE INDEX ${index}`),
  ...Object.entries(views).map(([name, query]) => `CREATE VIEW ${name} AS ${query}`),
  ...Object.keys(tables).flatMap(appendOnly),
];
