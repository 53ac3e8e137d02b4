/** Events of a kind, and of a trial, are found without reading all events. */
export const migration8 = {
  version: 8,
  // Each index ends with `seq`, the key of the table.
  statements: ['CREATE INDEX events_by_kind ON events (kind)', 'CREATE INDEX events_by_trial ON events (trial)'],
};
