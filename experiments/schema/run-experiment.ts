import { experimentOf } from '../stored/experiment.js';
import { invalidInput } from '../../base/errors.js';
import type { Store } from '../../store/index.js';
import type { SupernetConfig } from '../../trainers/index.js';
import { compressSchema } from '../compress/schema.js';
import type { Experiment, SupernetSettings, TableExperiment, TrainingExperiment } from './experiment.js';

/** Whether an experiment looks its results up in a table. */
export const isTableExperiment = (experiment: Experiment): experiment is TableExperiment =>
  experiment.space.type === 'table';

/** Whether a supernet is the run's own, and not another one's. */
export const isOwnSupernet = (supernet: SupernetSettings): supernet is SupernetConfig => 'networks' in supernet;

/** What runs of earlier versions do not tell, as it was then. */
const sinceThen: Partial<TrainingExperiment> = { compress: compressSchema.parse({}) };

/**
 * The experiment of a run that trained networks.
 * @throws NasError `invalid-input` when the run looked its results up in a table.
 */
export function trainingExperimentOf(store: Store, workdir: string): TrainingExperiment {
  const experiment = experimentOf(store);
  if (!isTableExperiment(experiment)) return { ...sinceThen, ...experiment };
  throw invalidInput(`${workdir}: the run looked its results up in a table; it has no networks`, {
    hint: 'Give the folder of a run that trains.',
  });
}
