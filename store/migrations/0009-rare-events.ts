/** Kinds of events that every trial has several of: an index of them would cost each trial pages to write. */
export const isRare =
  "kind NOT IN ('asked', 'started', 'taken', 'promoted', 'epoch', 'reported', 'finished', 'values', 'variant-values', 'variant-judged', 'measured', 'artifact')";

/** The index by kind holds rare events only. */
export const migration9 = {
  version: 9,
  statements: ['DROP INDEX events_by_kind', `CREATE INDEX events_by_kind ON events (kind) WHERE ${isRare}`],
};
