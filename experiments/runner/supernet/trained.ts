import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput, NasError } from '../../../base/errors.js';
import type { SpaceConfig } from '../../../spaces/index.js';
import { Store } from '../../../store/index.js';
import type { DataConfig, SupernetConfig } from '../../../trainers/index.js';
import { experimentOf, isOwnSupernet, isTableExperiment } from '../../schema/run-experiment.js';
import { databasePath, hasRun, supernetFolder, weightsFile } from '../workdir.js';

/** What a run keeps of the supernet that it trained, as the detail of an event. */
const trainedSchema = z.object({
  /** Content hash of the data set, splits included. */
  data: z.string(),
  /** Of the weights' file. */
  sha256: z.string(),
});
export type TrainedDetail = z.output<typeof trainedSchema>;

/** A supernet that a run has trained to its end. */
export interface TrainedSupernet {
  /** Of the shared weights. */
  readonly file: string;
  readonly config: SupernetConfig;
  /** Of the run that trained it: it also decides the images that members are calibrated on. */
  readonly seed: number;
  readonly space: SpaceConfig;
  readonly data: DataConfig;
  readonly trained: TrainedDetail;
}

/** What an open run's store says of its supernet; null until it is trained. */
export function trainedDetail(store: Store): TrainedDetail | null {
  const event = store.events.of('supernet-trained').at(-1);
  return event === undefined ? null : trainedSchema.parse(event.detail);
}

/** Where the shared weights of a run are, or would be when it is gone. */
export function sharedWeights(workdir: string): string {
  try {
    return trainedSupernet(workdir).file;
  } catch (error) {
    if (!(error instanceof NasError)) throw error;
    return join(workdir, supernetFolder, weightsFile);
  }
}

/**
 * The supernet of a run, or the one that it took from another run.
 * @throws NasError `invalid-input` when there is no run, it has no supernet, or has not trained it to its end.
 */
export function trainedSupernet(workdir: string): TrainedSupernet {
  if (!hasRun(workdir)) throw invalidInput(`${workdir} holds no run; expected a workdir of nas run`);
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const experiment = experimentOf(store);
    const supernet = isTableExperiment(experiment) ? undefined : experiment.supernet;
    if (isTableExperiment(experiment) || supernet === undefined)
      throw invalidInput(`the run in ${workdir} has no supernet`, {
        hint: 'Give the workdir of a run whose experiment has supernet.',
      });
    if (!isOwnSupernet(supernet)) return trainedSupernet(supernet.from);
    const file = join(workdir, supernetFolder, weightsFile);
    const trained = trainedDetail(store);
    if (trained === null || !existsSync(file))
      throw invalidInput(`the supernet of ${workdir} is not trained to its end`, {
        hint: `nas resume ${workdir} trains it on.`,
      });
    const { seed, space, data } = experiment;
    return { file, config: supernet, seed, space, data, trained };
  } finally {
    store.close();
  }
}
