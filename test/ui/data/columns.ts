import type {
  CandidateColumns,
  Certainty,
  Choice,
  Provenance,
  StoredPrecision,
  TrialState,
} from '../../../reports/page/api.js';
import { Candidates } from '../../../ui/data/candidates.js';
import { fieldsOf, type Known } from '../../../ui/data/fields.js';

/** A candidate. By default it is a complete trial in fp32. */
export interface Row {
  readonly number: number;
  readonly precision?: StoredPrecision;
  readonly chosen?: boolean;
  readonly state?: TrialState;
  readonly values?: Readonly<Record<string, number>>;
  readonly provenance?: Readonly<Record<string, Provenance>>;
  readonly choices?: Readonly<Record<string, Choice>>;
  readonly certainty?: Readonly<Record<string, Certainty>>;
  readonly finalAccuracy?: number;
  readonly foldAccuracy?: number;
  readonly foldError?: number;
  /** In seconds; `finishedAfter` is null for 0. */
  readonly startedAfter?: number;
  readonly finishedAfter?: number;
  readonly rejected?: number;
  readonly attempts?: number;
  readonly enqueued?: string;
}

const named = <T>(rows: readonly Row[], of: (row: Row) => Readonly<Record<string, T>> | undefined) => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(of(row) ?? {})))];
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => of(row)?.[name] ?? null)]));
};

export const columnsOf = (rows: readonly Row[]): CandidateColumns => ({
  number: rows.map(({ number }) => number),
  precision: rows.map(({ precision }) => precision ?? 'fp32'),
  chosen: rows.map(({ chosen }) => chosen ?? true),
  state: rows.map(({ state }) => state ?? 'complete'),
  values: named(rows, ({ values }) => values),
  provenance: named(rows, ({ provenance }) => provenance),
  certainty: named(rows, ({ certainty }) => certainty),
  choices: named(rows, ({ choices }) => choices),
  finalAccuracy: rows.map(({ finalAccuracy }) => finalAccuracy ?? null),
  foldAccuracy: rows.map(({ foldAccuracy }) => foldAccuracy ?? null),
  foldError: rows.map(({ foldError }) => foldError ?? null),
  finalError: rows.map(() => null),
  testAccuracy: rows.map(() => null),
  testError: rows.map(() => null),
  startedAfter: rows.map(({ startedAfter }) => startedAfter ?? 0),
  finishedAfter: rows.map(({ finishedAfter }) => (finishedAfter === 0 ? null : (finishedAfter ?? 1))),
  rejected: rows.map(({ rejected }) => rejected ?? 0),
  attempts: rows.map(({ attempts }) => attempts ?? 1),
  enqueued: rows.map(({ enqueued }) => enqueued ?? null),
});

export function candidatesOf(rows: readonly Row[]): Candidates {
  const candidates = new Candidates();
  candidates.merge(columnsOf(rows));
  return candidates;
}

export const fewCandidates = (): Known => ({
  task: 'classification',
  candidates: candidatesOf([
    {
      number: 0,
      values: { accuracy: 0.9, latency_ms: 1.5 },
      provenance: { accuracy: 'measured', latency_ms: 'measured' },
      choices: { 'block3.kernel': 3, act: 'relu6', state: 'a' },
      finalAccuracy: 0.92,
      finishedAfter: 9,
      enqueued: 'resnet, "small"',
    },
    {
      number: 1,
      precision: 'int8',
      values: { accuracy: 0.87, latency_ms: 0.4 },
      provenance: { accuracy: 'measured', latency_ms: 'predicted' },
      choices: { 'block3.kernel': 5, act: 'hswish', state: 'b' },
      startedAfter: 10,
      finishedAfter: 18,
      rejected: 2,
    },
    {
      number: 2,
      state: 'pruned',
      values: { latency_ms: 0.2 },
      provenance: { latency_ms: 'predicted' },
      choices: { 'block3.kernel': 7, act: 'relu6', state: 'c' },
      startedAfter: 20,
      finishedAfter: 27,
      attempts: 0,
    },
    {
      number: 3,
      state: 'running',
      choices: { 'block3.kernel': 3, state: 'd' },
      startedAfter: 30,
      finishedAfter: 0,
      attempts: 2,
    },
  ]),
  objectives: [
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
    { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
  ],
  measures: { accuracy: { title: 'accuracy', unit: 'share' }, latency_ms: { title: 'latency', unit: 'ms' } },
  decisions: ['block3.kernel', 'act', 'state'],
  severalPrecisions: true,
  onFrontier: (row) => row < 2,
  notes: new Map([
    [0, { trial: 0, text: 'Blurred images', tags: ['good', 'v2'], at: 0 }],
    [2, { trial: 2, text: '', tags: ['bad'], at: 0 }],
  ]),
  textOf: (number) =>
    number === 3
      ? undefined
      : {
          number,
          genotypeId: `0-${number}`,
          reason: number === 1 ? 'mutation of 0' : 'random',
          message: number === 2 ? 'predicted\nlatency' : null,
          pending: [],
        },
});

export const fewFields = () => fieldsOf(fewCandidates());
