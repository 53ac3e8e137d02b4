import type { SupernetConfig } from '../trainers/index.js';
import type { Experiment, SupernetSettings, TableExperiment } from './schema.js';

/** Whether an experiment looks its results up in a table. */
export const isTableExperiment = (experiment: Experiment): experiment is TableExperiment =>
  experiment.space.type === 'table';

/** Whether a supernet is the run's own, and not another one's. */
export const isOwnSupernet = (supernet: SupernetSettings): supernet is SupernetConfig => 'networks' in supernet;
