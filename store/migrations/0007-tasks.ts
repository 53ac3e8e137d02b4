/** Results of multi-label and regression tasks. */
export const migration7 = {
  version: 7,
  statements: [
    // A JSON object of results by label or number; null for a classification, whose results are its cells.
    'ALTER TABLE class_results ADD COLUMN details TEXT',
  ],
};
