// search/index.js would load all controllers, and TF.js with their spaces.
import { frontier } from '../../search/frontier.js';
import type { Values } from '../../search/index.js';
import type { ObjectiveValues, StoredPrecision, TrialRecord } from '../../store/index.js';
import type { Experiment } from '../../experiments/schema/experiment.js';

/** Stored for a candidate of a run on a table, in place of a network. */
export interface StoredRow {
  readonly kind: 'row';
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export const plainValues = (values: ObjectiveValues): Values =>
  Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));

/** A trial's network in an accepted precision. Frontiers are made of these. */
export interface Candidate {
  readonly trial: TrialRecord;
  readonly precision: StoredPrecision;
  /** Of all objectives, in this precision. */
  readonly values: ObjectiveValues;
}

/** The trials of some candidates, each once. */
export const trialsOf = (candidates: readonly Candidate[]): TrialRecord[] => [
  ...new Map(candidates.map(({ trial }) => [trial.number, trial])).values(),
];

/**
 * The candidates of a trial: its chosen variant first, then every other accepted one. A trial that is not complete, or
 * has one precision only, is its own candidate.
 */
export function candidatesOf(trial: TrialRecord): readonly Candidate[] {
  const { precision, values, variants, state } = trial;
  const chosen = { trial, precision, values };
  if (state !== 'complete') return [chosen];
  const others = variants.filter((variant) => variant.accepted === true && variant.precision !== precision);
  // Values that do not depend on the precision are the trial's own.
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
