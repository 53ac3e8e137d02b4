import type { Objective } from '../../search/index.js';
import type { SupernetConfig } from '../../trainers/index.js';
import type {
  Experiment,
  StudyExperiment,
  SupernetSettings,
  TableExperiment,
  TrainingExperiment,
} from './experiment.js';

export const isTableExperiment = (experiment: Experiment): experiment is TableExperiment =>
  experiment.space.type === 'table';

/** Whether `nas` trains the networks, or has a module of the user evaluate them. */
export const isTrainingExperiment = (experiment: Experiment): experiment is TrainingExperiment => 'data' in experiment;

/** Whether a program of the user evaluates the networks, by ask and tell. */
export const isStudy = (experiment: Experiment): experiment is StudyExperiment =>
  !isTableExperiment(experiment) && !isTrainingExperiment(experiment);

/** Bounds on values that are no objectives. */
export const limitsIn = (experiment: Experiment): readonly Objective[] =>
  (isTrainingExperiment(experiment) ? experiment.limits : undefined) ?? [];

/** Epochs of a whole evaluation; null for tables. */
export function epochsOf(experiment: Experiment): number | null {
  if (isTableExperiment(experiment)) return null;
  return experiment.evaluate?.epochs ?? ('train' in experiment ? experiment.train.epochs : 1);
}

export const isOwnSupernet = (supernet: SupernetSettings): supernet is SupernetConfig => 'networks' in supernet;
