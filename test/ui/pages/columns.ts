import type { CandidateColumns, Provenance, StoredPrecision, TrialState } from '../../../experiments/page/api.js';
import { Candidates } from '../../../ui/data/candidates.js';

/** A candidate as tests write it: the rest is that of a complete trial in fp32 of which nothing special is known. */
export interface RowText {
  readonly number: number;
  readonly precision?: StoredPrecision;
  readonly chosen?: boolean;
  readonly state?: TrialState;
  readonly values: Readonly<Record<string, number>>;
  readonly provenance?: Readonly<Record<string, Provenance>>;
  readonly finalAccuracy?: number;
  readonly enqueued?: string;
}

const named = <T>(rows: readonly RowText[], of: (row: RowText) => Readonly<Record<string, T>>) => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(of(row))))];
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => of(row)[name] ?? null)]));
};

const columnsOf = (rows: readonly RowText[]): CandidateColumns => ({
  number: rows.map(({ number }) => number),
  precision: rows.map(({ precision }) => precision ?? 'fp32'),
  chosen: rows.map(({ chosen }) => chosen ?? true),
  state: rows.map(({ state }) => state ?? 'complete'),
  values: named(rows, ({ values }) => values),
  provenance: named(rows, ({ provenance }) => provenance ?? {}),
  choices: {},
  finalAccuracy: rows.map(({ finalAccuracy }) => finalAccuracy ?? null),
  testAccuracy: rows.map(() => null),
  startedAfter: rows.map(() => 0),
  finishedAfter: rows.map(() => 1),
  rejected: rows.map(() => 0),
  attempts: rows.map(() => 1),
  enqueued: rows.map(({ enqueued }) => enqueued ?? null),
});

export function candidatesOf(rows: readonly RowText[]): Candidates {
  const candidates = new Candidates();
  candidates.merge(columnsOf(rows));
  return candidates;
}
