/** All columns of the table, in order. */
const columns = `id, trial, genotype_id, purpose, device, ms, p50, p95, p99, low, high, converged, samples, environment,
  taken_at, precision`;

const statements = [
  'DROP INDEX measurements_by_trial',
  'DROP TRIGGER measurements_no_update',
  'DROP TRIGGER measurements_no_delete',
  'ALTER TABLE measurements RENAME TO old_measurements',
  `CREATE TABLE measurements (
    id INTEGER PRIMARY KEY,
    trial INTEGER REFERENCES trials (number),
    genotype_id TEXT NOT NULL REFERENCES networks (genotype_id),
    purpose TEXT NOT NULL CHECK (purpose IN ('calibration', 'trial', 'frontier')),
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
    taken_at INTEGER NOT NULL,
    precision TEXT NOT NULL DEFAULT 'fp32' CHECK (precision IN ('fp32', 'int8'))
  ) STRICT`,
  `INSERT INTO measurements (${columns}) SELECT ${columns} FROM old_measurements`,
  'DROP TABLE old_measurements',
  'CREATE INDEX measurements_by_trial ON measurements (trial)',
  ...['UPDATE', 'DELETE'].map(
    (action) =>
      `CREATE TRIGGER measurements_no_${action.toLowerCase()} BEFORE ${action} ON measurements
       BEGIN SELECT raise(ABORT, 'measurements is append-only'); END`,
  ),
];

/** Measurements with too few runs for a 99th percentile have none. */
export const migration5 = { version: 5, statements };
