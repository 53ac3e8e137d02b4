import { frontier, type Values } from '../../../search/index.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import type { Experiment } from '../../schema.js';

/** Objective values without their provenance. */
export const plainValues = (values: ObjectiveValues): Values =>
  Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));

/** The members of the Pareto frontier of the complete trials that keep all constraints, in trial order. */
export function frontierTrials(trials: readonly TrialRecord[], objectives: Experiment['objectives']): TrialRecord[] {
  const judged = trials.map((trial) => ({ trial, state: trial.state, values: plainValues(trial.values) }));
  return frontier(judged, objectives).map(({ trial }) => trial);
}
