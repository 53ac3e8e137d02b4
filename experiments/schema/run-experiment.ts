import { invalidInput } from '../../base/errors.js';
import type { Store } from '../../store/index.js';
import type { SupernetConfig } from '../../trainers/index.js';
import { compressSchema } from '../compress/schema.js';
import { experimentOf } from '../stored/experiment.js';
import type { Experiment, SupernetSettings, TableExperiment, TrainingExperiment } from './experiment.js';

export const isTableExperiment = (experiment: Experiment): experiment is TableExperiment =>
  experiment.space.type === 'table';

export const isOwnSupernet = (supernet: SupernetSettings): supernet is SupernetConfig => 'networks' in supernet;

/** Settings that runs of earlier versions do not store. */
const laterDefaults: Partial<TrainingExperiment> = { compress: compressSchema.parse({}) };

/**
 * The experiment of a run that trained networks.
 * @throws NasError `invalid-input` for runs on a table.
 */
export function trainingExperimentOf(store: Store, workdir: string): TrainingExperiment {
  const experiment = experimentOf(store);
  if (!isTableExperiment(experiment)) return { ...laterDefaults, ...experiment };
  throw invalidInput(`${workdir}: the run is on a table of results and has no networks`, {
    hint: 'Give the folder of a run that trains.',
  });
}
