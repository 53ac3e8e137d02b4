/** What is computed in which precision. */
const precision = `precision TEXT NOT NULL CHECK (precision IN ('fp32', 'int8'))`;

/** Tables whose keys or checks change: SQLite makes such a table anew, and its history is carried over. */
const remade = ['predictions', 'finals', 'attempts', 'epochs', 'artifacts'] as const;

const putAside = [
  ...['progress', 'trial_states', 'pareto_values', 'curves', 'current_artifacts'].map((view) => `DROP VIEW ${view}`),
  ...['epochs_by_trial', 'artifacts_by_trial'].map((index) => `DROP INDEX ${index}`),
  ...remade.flatMap((table) => [
    `DROP TRIGGER ${table}_no_update`,
    `DROP TRIGGER ${table}_no_delete`,
    `ALTER TABLE ${table} RENAME TO old_${table}`,
  ]),
];

/** What a row is about, in the tables of all trainings: a trial, a shrunk network, or neither. */
const ofTrials = `'search', 'final', 'quantize-aware'`;
const subject = `stage TEXT NOT NULL CHECK (stage IN (${ofTrials}, 'teacher', 'supernet', 'shrunk')),
    trial INTEGER REFERENCES trials (number),
    shrunk INTEGER REFERENCES shrunk (number)`;
const subjectChecks = `CHECK ((trial IS NOT NULL) = (stage IN (${ofTrials}))),
    CHECK ((shrunk IS NOT NULL) = (stage = 'shrunk'))`;

const tables = [
  `CREATE TABLE predictions (
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    ms REAL NOT NULL,
    std REAL NOT NULL,
    coverage REAL NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    PRIMARY KEY (trial, precision)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE finals (
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
    PRIMARY KEY (trial, precision)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE attempts (
    stage TEXT NOT NULL CHECK (stage IN (${ofTrials})),
    trial INTEGER NOT NULL REFERENCES trials (number),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    started_at INTEGER NOT NULL,
    PRIMARY KEY (stage, trial, attempt)
  ) STRICT, WITHOUT ROWID`,
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
  `ALTER TABLE measurements ADD COLUMN precision TEXT NOT NULL DEFAULT 'fp32' CHECK (precision IN ('fp32', 'int8'))`,
  // The precision that a trial is judged in; a later row replaces an earlier one, and without any it is fp32.
  `CREATE TABLE chosen_precisions (
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision}
  ) STRICT`,
  // A trial's network in each precision: its values as they became known ...
  `CREATE TABLE variant_values (
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    objective TEXT NOT NULL,
    value REAL NOT NULL,
    provenance TEXT NOT NULL CHECK (provenance IN ('measured', 'predicted', 'imported', 'computed'))
  ) STRICT`,
  // ... and whether it is accepted; a later verdict replaces an earlier one.
  `CREATE TABLE variant_verdicts (
    seq INTEGER PRIMARY KEY,
    trial INTEGER NOT NULL REFERENCES trials (number),
    ${precision},
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
    reason TEXT,
    detail TEXT NOT NULL
  ) STRICT`,
];

const columnsOf = {
  attempts: 'stage, trial, attempt, started_at',
  epochs: `seq, stage, trial, shrunk, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy,
    learning_rate, seconds`,
  artifacts: 'seq, stage, trial, shrunk, kind, path, sha256, bytes, written_at',
};
const finalColumns = 'state, accuracy, test_accuracy, epochs, seconds, from_weights, message, finished_at';

const carryOver = [
  `INSERT INTO predictions (trial, precision, ms, std, coverage)
   SELECT trial, 'fp32', ms, std, coverage FROM old_predictions`,
  `INSERT INTO finals (trial, precision, ${finalColumns}) SELECT trial, 'fp32', ${finalColumns} FROM old_finals`,
  ...Object.entries(columnsOf).map(
    ([table, columns]) => `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM old_${table}`,
  ),
  ...remade.map((table) => `DROP TABLE old_${table}`),
];

const chosenOf = (trial: string): string =>
  `coalesce((SELECT p.precision FROM chosen_precisions p WHERE p.trial = ${trial} ORDER BY p.seq DESC LIMIT 1), 'fp32')`;

const views = [
  'CREATE INDEX epochs_by_trial ON epochs (stage, trial, epoch)',
  'CREATE INDEX artifacts_by_trial ON artifacts (trial)',
  'CREATE INDEX chosen_precisions_by_trial ON chosen_precisions (trial)',
  'CREATE INDEX variant_values_by_trial ON variant_values (trial, precision, objective)',
  'CREATE INDEX variant_verdicts_by_trial ON variant_verdicts (trial, precision)',
  `CREATE VIEW trial_states AS
   SELECT t.number, t.genotype, t.genotype_id, t.choices, t.seed, t.reason, t.rejected, t.pending, t.asked_at,
     (SELECT min(started_at) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS started_at,
     (SELECT count(*) FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number) AS attempts,
     coalesce(o.state, iif(EXISTS (SELECT 1 FROM attempts a WHERE a.stage = 'search' AND a.trial = t.number),
       'running', 'waiting')) AS state,
     ${chosenOf('t.number')} AS precision,
     o.message, o.finished_at
   FROM trials t LEFT JOIN outcomes o ON o.trial = t.number`,
  `CREATE VIEW progress AS SELECT state, count(*) AS trials FROM trial_states GROUP BY state`,
  // The values and the verdict of each variant as they stand.
  `CREATE VIEW current_variant_values AS
   SELECT trial, precision, objective, value, provenance, max(seq) AS seq
   FROM variant_values GROUP BY trial, precision, objective`,
  `CREATE VIEW current_verdicts AS
   SELECT trial, precision, accepted, reason, detail, max(seq) AS seq FROM variant_verdicts GROUP BY trial, precision`,
  // Accepted variants of complete trials, beside the chosen one.
  `CREATE VIEW further_candidates AS
   SELECT v.trial, v.precision FROM current_verdicts v JOIN outcomes o ON o.trial = v.trial
   WHERE v.accepted = 1 AND o.state = 'complete' AND v.precision <> ${chosenOf('v.trial')}`,
  // What the Pareto frontier is computed from: what was chosen of each complete trial, and what is accepted beside it. What
  // a variant does not say of itself is the trial's: its MACs, say.
  `CREATE VIEW pareto_values AS
   SELECT v.trial, v.objective, v.value, v.provenance, ${chosenOf('v.trial')} AS precision, 1 AS chosen
   FROM objective_values v JOIN outcomes o ON o.trial = v.trial WHERE o.state = 'complete'
   UNION ALL
   SELECT o.trial, o.objective, coalesce(v.value, o.value), coalesce(v.provenance, o.provenance), c.precision, 0
   FROM further_candidates c JOIN objective_values o ON o.trial = c.trial
     LEFT JOIN current_variant_values v
       ON v.trial = c.trial AND v.precision = c.precision AND v.objective = o.objective`,
  `CREATE VIEW curves AS
   SELECT stage, trial, shrunk, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, learning_rate,
     seconds, max(seq) AS seq
   FROM epochs GROUP BY stage, trial, shrunk, epoch`,
  `CREATE VIEW current_artifacts AS
   SELECT trial, shrunk, stage, kind, path, sha256, bytes, written_at, max(seq) AS seq
   FROM artifacts GROUP BY stage, trial, shrunk, kind, path`,
];

const appendOnly = [...remade, 'chosen_precisions', 'variant_values', 'variant_verdicts'].flatMap((table) =>
  ['UPDATE', 'DELETE'].map(
    (action) =>
      `CREATE TRIGGER ${table}_no_${action.toLowerCase()} BEFORE ${action} ON ${table}
       BEGIN SELECT raise(ABORT, '${table} is append-only'); END`,
  ),
);

/** Networks in more than one precision: variants of trials, what is measured, predicted and finished in each. */
export const migration3 = {
  version: 3,
  statements: [...putAside, ...tables, ...carryOver, ...views, ...appendOnly],
};
