/** Class metrics of epochs, and confusion matrices of trained networks. */
export const migration6 = {
  version: 6,
  statements: [
    // A JSON object of numbers by metric; null in epochs of older versions.
    'ALTER TABLE epochs ADD COLUMN metrics TEXT',
    'DROP VIEW curves',
    `CREATE VIEW curves AS
     SELECT stage, trial, shrunk, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, metrics,
       learning_rate, seconds, max(seq) AS seq
     FROM epochs GROUP BY stage, trial, shrunk, epoch`,
    // `cells` is a JSON list of [actual class, predicted class, images] without zeros.
    `CREATE TABLE class_results (
      seq INTEGER PRIMARY KEY,
      trial INTEGER NOT NULL REFERENCES trials (number),
      stage TEXT NOT NULL CHECK (stage IN ('search', 'final')),
      precision TEXT NOT NULL CHECK (precision IN ('fp32', 'int8')),
      split TEXT NOT NULL CHECK (split IN ('validation', 'test')),
      classes TEXT NOT NULL,
      cells TEXT NOT NULL,
      calibration_error REAL NOT NULL
    ) STRICT`,
    'CREATE INDEX class_results_by_trial ON class_results (trial)',
    ...['UPDATE', 'DELETE'].map(
      (action) =>
        `CREATE TRIGGER class_results_no_${action.toLowerCase()} BEFORE ${action} ON class_results
         BEGIN SELECT raise(ABORT, 'class_results is append-only'); END`,
    ),
  ],
};
