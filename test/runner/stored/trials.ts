import type { ObjectiveValues, StoredPrecision, TrialRecord, VariantRecord } from '../../../store/index.js';

export const measured = (values: Readonly<Record<string, number>>): ObjectiveValues =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, provenance: 'measured' }]));

export const complete = (number: number, values: Readonly<Record<string, number>>): TrialRecord => ({
  number,
  genotype: [number],
  genotypeId: String(number),
  choices: {},
  seed: number,
  reason: 'random',
  rejected: 0,
  pending: [],
  state: 'complete',
  precision: 'fp32',
  variants: [],
  message: null,
  values: measured(values),
  observed: values,
  attempts: 1,
  askedAt: 0,
  startedAt: 0,
  finishedAt: 1,
});

type Variants = Partial<Record<StoredPrecision, Partial<VariantRecord>>>;

/** The trial with its network in several precisions, one of which was chosen. */
export const inPrecisions = (trial: TrialRecord, precision: StoredPrecision, variants: Variants): TrialRecord => ({
  ...trial,
  precision,
  variants: (Object.entries(variants) as [StoredPrecision, Partial<VariantRecord>][]).map(([each, variant]) => ({
    trial: trial.number,
    precision: each,
    values: {},
    accepted: true,
    reason: null,
    detail: null,
    ...variant,
  })),
});
