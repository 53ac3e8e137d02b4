import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { presetNetworks } from '../../spaces/index.js';
import type { FitHooks, FitResult } from '../fit-job.js';
import { fit } from '../fit.js';
import { makeOnce } from '../make-once.js';
import { trainSchema, type TrainConfig } from '../schema.js';
import { networkTeacher } from './network.js';
import type { TeacherFinder, TeacherHooks } from './source.js';

/** Views for a teacher that is trained here: a new one each epoch. Its students see fewer, which they share. */
const teacherViews = 64;

const fitHooks = (hooks: TeacherHooks): FitHooks => ({
  onEpoch: () => undefined,
  onProgress: () => undefined,
  pause: () => undefined,
  signal: new AbortController().signal,
  ...hooks,
});

/**
 * A reference network trained here with plain cross-entropy (no label smoothing, which makes poorer teachers: Mueller
 * et al. 2019, and no mixup), once: it is cached by the content of data, network and hyperparameters, and an interrupted
 * training continues.
 */
export const trainedTeacher: TeacherFinder<'train'> = async (config, info, options) => {
  const { dataset, engine, threads, seed, cache, hooks = {} } = options;
  const task = { input: [info.height, info.width, info.channels] as const, classes: info.classes.length };
  const network = presetNetworks[config.network](task, config.width);
  const train: TrainConfig = trainSchema.parse({
    epochs: config.epochs,
    batch: config.batch,
    optimizer: { type: 'sgd', learning_rate: config.learning_rate, weight_decay: 5e-4 },
    loss: { type: 'cross-entropy' },
    augment: { ...options.train.augment, mixup: 0, views: Math.min(config.epochs, teacherViews) },
  });
  const directory = join(cache, 'teachers', contentHash('trained', info.hash, network, train, seed).slice(0, 32));
  const job = { network, seed, train, dataset, teacher: null, engine, threads, directory };
  const name = `${config.network} (width ${config.width})`;
  const training = (): Promise<FitResult> => fit(job, fitHooks(hooks));
  const result = await makeOnce({
    path: directory,
    name: `the teacher, ${name}`,
    find: () => (existsSync(join(directory, 'weights.bin')) ? training() : null),
    make: training,
    ...hooks,
  });
  if (result.state !== 'complete')
    throw new NasError('interrupted', 'training the teacher was interrupted; it continues when the run does');
  return networkTeacher({ type: 'network', name, network, weights: result.weights }, result.accuracy, info, options);
};
