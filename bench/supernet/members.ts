import { memberOf } from '../../spaces/index.js';
import {
  calibratedMember,
  describeDataset,
  fit,
  fitSupernet,
  saveWeights,
  supernetConfig,
  supernetSchema,
  type SupernetConfig,
} from '../../trainers/index.js';
import { join } from 'node:path';
import { cpuSeconds, folderOf, kept, testAccuracy, threads, type Trained } from './alone.js';
import type { Subject } from './networks.js';
import { hooks, type Setting } from './setting.js';

/** A supernet after its training. */
interface Supernet {
  readonly config: SupernetConfig;
  readonly seed: number;
  readonly directory: string;
  /** File of the shared weights. */
  readonly weights: string;
  /** Of the training. */
  readonly cpuSeconds: number;
}

/** The supernet of as many steps as each network is trained for alone. */
export async function trainSupernet(setting: Setting, overrides: object, seed: number): Promise<Supernet> {
  const { train, config: space, task, dataset, engine } = setting;
  const config = supernetConfig(train, supernetSchema.parse({ epochs: train.epochs, ...overrides }));
  const directory = folderOf(setting.folder, 'supernet', [space, task, config, seed, describeDataset(dataset).hash]);
  return kept(directory, async () => {
    const job = { space, task, seed, config, dataset, teacher: null, engine, threads, directory };
    const [result, seconds] = await cpuSeconds(() => fitSupernet(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    return { config, seed, directory, weights: result.weights, cpuSeconds: seconds };
  });
}

/** Accuracy on the test images of a network straight from the shared weights. */
export async function straight(setting: Setting, supernet: Supernet, { genotype }: Subject): Promise<number> {
  const { dataset, engine } = setting;
  const { config, seed, weights } = supernet;
  const { augment, batch, calibration } = config;
  const member = memberOf(setting.space, genotype);
  const directory = folderOf(supernet.directory, 'straight', genotype);
  return kept(directory, async () => {
    const job = { member, weights, dataset, augment, batch, calibration, seed, engine, threads };
    const file = join(directory, 'weights.bin');
    saveWeights(await calibratedMember(job), file);
    return testAccuracy(setting, member.network, file);
  });
}

/** How a network is trained on from its part of the shared weights. */
export interface Tuning {
  /** Of the stand-alone training's epochs. */
  readonly share: number;
  readonly learningRate: number;
}

/** A network that is trained on from the shared weights. */
export async function tuned(
  setting: Setting,
  supernet: Supernet,
  { genotype }: Subject,
  tuning: Tuning,
): Promise<Trained> {
  const { dataset, engine } = setting;
  const { network, places } = memberOf(setting.space, genotype);
  const directory = folderOf(supernet.directory, 'tuned', [genotype, tuning]);
  const { optimizer, epochs } = setting.train;
  const train = {
    ...setting.train,
    epochs: Math.max(1, Math.round(tuning.share * epochs)),
    warmup_epochs: 0,
    optimizer: { ...optimizer, learning_rate: tuning.learningRate },
  };
  return kept(directory, async () => {
    const initial = { file: supernet.weights, places };
    const job = { network, seed: supernet.seed, train, dataset, teacher: null, engine, threads, directory, initial };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    const accuracy = await testAccuracy(setting, network, result.weights);
    return { accuracy, cpuSeconds: seconds, weights: result.weights };
  });
}

/** Ways to train the supernet: what each has otherwise than the defaults of `supernet:`. */
export const variants: Readonly<Record<string, object>> = {
  default: {},
  'soft labels 0.5': { soft_labels: 0.5 },
  'soft labels rising to 0.5': { soft_labels: { from: 0, to: 0.5 } },
  'one random network': { networks: 1 },
  'four random networks': { networks: 4 },
  'held for 8 steps': { hold: 8 },
  'held for 32 steps': { hold: 32 },
  'evenly over log MACs': { sampling: 'macs' },
  'learning rate 0.1': { optimizer: { type: 'sgd', learning_rate: 0.1 } },
  'learning rate 0.4': { optimizer: { type: 'sgd', learning_rate: 0.4 } },
  'learning rate 0.8': { optimizer: { type: 'sgd', learning_rate: 0.8 } },
};
