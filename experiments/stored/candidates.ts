// search/index.js would load all controllers, and TF.js with their spaces.
import { frontier } from '../../search/frontier.js';
import type { Values } from '../../search/index.js';
import type { ListedVariant, ObjectiveValues, Store, StoredPrecision, TrialRecord } from '../../store/index.js';
import type { Experiment } from '../schema/experiment.js';
import { isAccuracy } from '../schema/measures.js';

/** Objective values without their provenance. */
export const plainValues = (values: ObjectiveValues): Values =>
  Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));

/** Stored for a candidate of a run on a table, in place of a network. */
export interface StoredRow {
  readonly kind: 'row';
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A trial as far as its candidates are concerned. */
type Compressed = Pick<TrialRecord, 'number' | 'state' | 'precision' | 'values'> & {
  readonly variants: readonly ListedVariant[];
};

/** A trial's network in a precision that was accepted: what a frontier is made of. */
export interface Candidate<T extends Compressed = TrialRecord> {
  readonly trial: T;
  readonly precision: StoredPrecision;
  /** Of all objectives, in this precision. */
  readonly values: ObjectiveValues;
}

/**
 * The candidates of a trial: its chosen variant first, then every other one that was accepted. Of a trial that is not
 * complete, and in a run that tries one precision only, there is the trial itself.
 */
export function candidatesOf<T extends Compressed>(trial: T): readonly Candidate<T>[] {
  const { precision, values, variants, state } = trial;
  const chosen = { trial, precision, values };
  if (state !== 'complete') return [chosen];
  const others = variants.filter((variant) => variant.accepted === true && variant.precision !== precision);
  // What does not depend on the precision is the trial's own.
  return [
    chosen,
    ...others.map((variant) => ({
      trial,
      precision: variant.precision,
      values: { ...values, ...variant.values },
    })),
  ];
}

/**
 * The members of the Pareto frontier among the candidates of complete trials that keep all constraints, in trial order;
 * it may hold a trial in more than one precision.
 */
export function frontierCandidates(trials: readonly TrialRecord[], objectives: Experiment['objectives']): Candidate[] {
  const judged = trials.flatMap(candidatesOf).map((candidate) => ({
    candidate,
    state: candidate.trial.state,
    values: plainValues(candidate.values),
  }));
  return frontier(judged, objectives).map(({ candidate }) => candidate);
}

/** The trials that have a candidate on the frontier, in trial order. */
export const frontierTrials = (trials: readonly TrialRecord[], objectives: Experiment['objectives']): TrialRecord[] => [
  ...new Set(frontierCandidates(trials, objectives).map(({ trial }) => trial)),
];

/** How accurate the network of a trial is in the end, each share in [0, 1]. */
export interface TrialAccuracy {
  readonly trial: number;
  readonly genotypeId: string;
  /** Which accuracy it is: `accuracy` of a network trained to its end, `supernet_accuracy` of a slice as it is, ... */
  readonly measure: string;
  /** On the validation split. */
  readonly accuracy: number;
  readonly testAccuracy: number | null;
}

/**
 * The complete trials of a run, the most accurate first: those that had a final training by what it came to, or all by
 * the search's accuracy where none had. The two are never compared.
 */
export function trialsByAccuracy(store: Store): TrialAccuracy[] {
  // Of a trial's records, that of the float network: it is what others are compared with, and comes first.
  const finals = new Map(
    store.finals
      .all()
      .toReversed()
      .map((record) => [record.trial, record]),
  );
  const isFinal = [...finals.values()].some(({ accuracy }) => accuracy !== null);
  return store.trials
    .all()
    .flatMap(({ number: trial, genotypeId, state, values: chosen, variants }): TrialAccuracy[] => {
      const values = { ...chosen, ...variants.find(({ precision }) => precision === 'fp32')?.values };
      const final = finals.get(trial);
      const searched = Object.entries(values).find(([name]) => isAccuracy(name));
      const measure = isFinal ? 'accuracy' : searched?.[0];
      const accuracy = isFinal ? final?.accuracy : searched?.[1].value;
      if (state !== 'complete' || measure === undefined || accuracy === null || accuracy === undefined) return [];
      return [{ trial, genotypeId, measure, accuracy, testAccuracy: final?.testAccuracy ?? null }];
    })
    .sort((a, b) => b.accuracy - a.accuracy || a.trial - b.trial);
}
