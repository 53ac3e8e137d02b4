import { invalidInput } from '../base/errors.js';
import type { Store } from '../store/index.js';
import { compressSchema } from './compress/index.js';
import { experimentOf } from './stored/experiment.js';
import { isTableExperiment } from './kinds.js';
import type { TrainingExperiment } from './schema.js';

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
