import { memberOf } from '../../spaces/index.js';
import {
  calibratedMember,
  describeDataset,
  fit,
  fitSupernet,
  optimizerSchema,
  saveWeights,
  supernetConfig,
  supernetSchema,
  type SupernetConfig,
  type TrainConfig,
} from '../../trainers/index.js';
import { fromTrained, slowed } from '../../trainers/training/fine-tuning.js';
import { join } from 'node:path';
import { cpuSeconds, folderOf, cached, testAccuracy, threads, type Trained } from './alone.js';
import type { Subject } from './networks.js';
import { hooks, type Setting } from './setting.js';

/** A trained supernet. */
interface Supernet {
  readonly config: SupernetConfig;
  readonly seed: number;
  readonly directory: string;
  /** Path of the shared weights. */
  readonly weights: string;
  /** CPU seconds of the training. */
  readonly cpuSeconds: number;
}

/** Trains a supernet for the number of steps of a stand-alone training. */
export async function trainSupernet(setting: Setting, overrides: object, seed: number): Promise<Supernet> {
  const { train, config: space, task, dataset, engine } = setting;
  const config = supernetConfig(train, supernetSchema.parse({ epochs: train.epochs, ...overrides }));
  const directory = folderOf(setting.folder, 'supernet', [space, task, config, seed, describeDataset(dataset).hash]);
  return cached(directory, async () => {
    const job = { space, task, seed, config, dataset, teacher: null, engine, threads, directory };
    const [result, seconds] = await cpuSeconds(() => fitSupernet(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    return { config, seed, directory, weights: result.weights, cpuSeconds: seconds };
  });
}

/** Test accuracy of a network with shared weights and calibrated batch norm. */
export async function straight(setting: Setting, supernet: Supernet, { genotype }: Subject): Promise<number> {
  const { dataset, engine } = setting;
  const { config, seed, weights } = supernet;
  const { augment, batch, calibration } = config;
  const member = memberOf(setting.space, genotype);
  const directory = folderOf(supernet.directory, 'straight', genotype);
  return cached(directory, async () => {
    const job = { member, weights, dataset, augment, batch, calibration, seed, engine, threads };
    const file = join(directory, 'weights.bin');
    saveWeights(await calibratedMember(job), file);
    return testAccuracy(setting, member.network, file);
  });
}

/** Keys of `train:` for fine-tuning from shared weights, beside those of the stand-alone training. */
export type Tuning = (own: TrainConfig) => Partial<TrainConfig>;

/** The recipe at a share of its rates. */
const slower =
  (share: number, others: ReturnType<Tuning> = {}): Tuning =>
  ({ optimizer }) => ({ warmup_epochs: 0, optimizer: slowed(optimizer, share), ...others });

const sgdAt =
  (rate: number): Tuning =>
  () => ({
    warmup_epochs: 0,
    optimizer: optimizerSchema.parse({ type: 'sgd', learning_rate: rate }),
    schedule: 'cosine',
  });

/** Ways of fine-tuning: as runs do by default, or without warm-up, except where it is named. */
export const tunings: Readonly<Record<string, Tuning>> = {
  default: fromTrained,
  full: slower(1),
  half: slower(0.5),
  quarter: slower(0.25),
  eighth: slower(0.125),
  'full after warm-up': slower(1, { warmup_epochs: 0.5 }),
  'half after warm-up': slower(0.5, { warmup_epochs: 0.5 }),
  'quarter after warm-up': slower(0.25, { warmup_epochs: 0.5 }),
  'sgd 0.2': sgdAt(0.2),
  'sgd 0.1': sgdAt(0.1),
};

/**
 * Fine-tunes a network from the shared weights.
 * @param share of the stand-alone training's epochs
 */
export async function tuned(
  setting: Setting,
  supernet: Supernet,
  { genotype }: Subject,
  tuning: Tuning,
  share: number,
): Promise<Trained> {
  const { dataset, engine } = setting;
  const { network, places } = memberOf(setting.space, genotype);
  const own = setting.train;
  const train = { ...own, ...tuning(own), epochs: Math.max(1, Math.round(share * own.epochs)) };
  const directory = folderOf(supernet.directory, 'tuned', [genotype, train]);
  return cached(directory, async () => {
    const initial = { file: supernet.weights, places };
    const job = { network, seed: supernet.seed, train, dataset, teacher: null, engine, threads, directory, initial };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    const accuracy = await testAccuracy(setting, network, result.weights);
    return { accuracy, cpuSeconds: seconds, weights: result.weights };
  });
}

const sgd = (learning_rate: number): object => ({ optimizer: { type: 'sgd', learning_rate } });
/** @param rate of Muon; the other one is that of SGD */
const muon = (muon_rate: number, learning_rate: number): object => ({
  optimizer: { type: 'muon', muon_rate, learning_rate },
});

/** Variants of supernet training: overrides of the defaults of `supernet:`. */
export const variants: Readonly<Record<string, object>> = {
  default: {},
  'one random network': { networks: 1 },
  'four random networks': { networks: 4 },
  'held for 8 steps': { hold: 8 },
  'held for 32 steps': { hold: 32 },
  'evenly over log MACs': { sampling: 'macs' },
  'learning rate 0.1': sgd(0.1),
  'learning rate 0.4': sgd(0.4),
  'learning rate 0.8': sgd(0.8),
  'muon 0.1 and 0.05': muon(0.1, 0.05),
  'muon 0.1 and 0.1': muon(0.1, 0.1),
  'muon 0.1 and 0.4': muon(0.1, 0.4),
  'muon 0.1 and 0.8': muon(0.1, 0.8),
  'muon 0.05 and 0.1': muon(0.05, 0.1),
  'muon 0.05 and 0.2': muon(0.05, 0.2),
  'muon 0.2 and 0.2': muon(0.2, 0.2),
  'one epoch of warm-up': { warmup_epochs: 1 },
};
