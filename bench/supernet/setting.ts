import { createSpace, spaceSchema, type Space, type SpaceConfig, type Task } from '../../spaces/index.js';
import {
  dataSchema,
  describeDataset,
  engineSchema,
  prepareDataset,
  trainSchema,
  type DatasetRef,
  type EngineConfig,
  type FitHooks,
  type TrainConfig,
} from '../../trainers/index.js';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { invalidInput } from '../../base/errors.js';

/** What all trainings of the benchmark have in common. */
export interface Setting {
  readonly task: Task;
  readonly config: SpaceConfig;
  readonly space: Space;
  readonly dataset: DatasetRef;
  readonly train: TrainConfig;
  readonly engine: EngineConfig;
  /** Folder of what was trained. */
  readonly folder: string;
}

/** Training images as they are used: a fifth is for the test, which nothing else sees, 2,000 for validation. */
const shares = { test: 0.2, validation: 0.05, subset: 0.539 };

export interface SettingOptions {
  readonly images: string;
  readonly folder: string;
  readonly epochs: number;
  /** Of networks alone and, unless a variant says otherwise, of the supernet. */
  readonly learningRate: number;
}

/**
 * The `tiny` space (0.25 to 3.8 M multiply-accumulates) at 32 x 32 pixels, and the same number of steps for every
 * training: 160 an epoch.
 */
export async function createSetting({ images, folder, epochs, learningRate }: SettingOptions): Promise<Setting> {
  const dataset = await prepareDataset(dataSchema.parse({ type: 'image-folder', path: images, size: 32, ...shares }));
  const { height, width, channels, classes } = describeDataset(dataset);
  const task: Task = { input: [height, width, channels], classes: classes.length };
  const config = spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' });
  const train = trainSchema.parse({
    epochs,
    warmup_epochs: 1,
    augment: { crop: 4, flip: true },
    optimizer: { type: 'sgd', learning_rate: learningRate },
  });
  const space = await createSpace(config, task);
  return { task, config, space, dataset, train, engine: engineSchema.parse({}), folder };
}

/** Trainings are neither watched nor stopped. */
export const hooks: FitHooks = {
  onEpoch: () => undefined,
  onProgress: () => undefined,
  signal: new AbortController().signal,
  pause: () => undefined,
};

/**
 * CIFAR-10's training images as an image folder (`train/<class>/<n>.jpg`), unpacked once into `folder` from the archive
 * beside the folder of peers: `NAS_BENCH_PEERS`, or `../shared/bench`.
 */
export async function cifarImages(folder: string): Promise<string> {
  const images = join(folder, 'cifar10');
  if (existsSync(images)) return join(images, 'train');
  const peers = resolve(process.env['NAS_BENCH_PEERS'] ?? '../shared/bench');
  const archive = join(dirname(peers), 'data', 'cifar10-train.tar.gz');
  if (!existsSync(archive))
    throw invalidInput(`there is no ${archive}`, {
      hint: 'Set NAS_BENCH_PEERS to the folder beside `data`, or give a folder with one folder a class: --images.',
    });
  const unpacked = `${images}.tmp`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  await promisify(execFile)('tar', ['xzf', archive, '-C', unpacked]);
  renameSync(unpacked, images);
  return join(images, 'train');
}
