// Not through search/index.js: that loads the controllers, and TF.js with their spaces, which reports can do without.
import { frontier } from '../../../search/frontier.js';
import type { Values } from '../../../search/index.js';
import type { ListedVariant, ObjectiveValues, StoredPrecision, TrialRecord } from '../../../store/index.js';
import type { Experiment } from '../../schema/experiment.js';

/** Objective values without their provenance. */
export const plainValues = (values: ObjectiveValues): Values =>
  Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));

/** A trial as far as its candidates are concerned. */
export type Compressed = Pick<TrialRecord, 'number' | 'state' | 'precision' | 'values'> & {
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
