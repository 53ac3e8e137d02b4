import { createSpace, spaceSchema, type Space, type SpaceConfig, type Task } from '../../spaces/index.js';
import {
  completeTraining,
  dataSchema,
  dataDefaults,
  describeDataset,
  engineSchema,
  prepareDataset,
  trainKeys,
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

/** Settings common to all trainings of the benchmark. */
export interface Setting {
  readonly task: Task;
  readonly config: SpaceConfig;
  readonly space: Space;
  readonly dataset: DatasetRef;
  readonly train: TrainConfig;
  readonly engine: EngineConfig;
  /** Cache of trained networks. */
  readonly folder: string;
}

/** Shares of CIFAR-10's training images: a fifth for the test, 2,000 for validation. */
const shares = { test: 0.2, validation: 0.05, subset: 0.539 };

export const recipes = ['fast', 'plain'] as const;
export type Recipe = (typeof recipes)[number];

export interface SettingOptions {
  readonly images: string;
  readonly folder: string;
  readonly epochs: number;
  readonly recipe: Recipe;
  /** Of the recipe `plain`. */
  readonly learningRate: number;
}

/** What each recipe leaves to the user, for photographs. */
const written: { readonly [R in Recipe]: (learningRate: number) => object } = {
  fast: () => ({}),
  plain: (learningRate) => ({
    warmup_epochs: 1,
    augment: ['flip', { type: 'crop', pixels: 4 }],
    optimizer: { type: 'sgd', learning_rate: learningRate },
  }),
};

/**
 * The `tiny` space (0.25 to 3.8 M multiply-accumulates) at 32 x 32 pixels. Every training has 160 steps per epoch.
 */
export async function createSetting(options: SettingOptions): Promise<Setting> {
  const { images, folder, epochs, recipe, learningRate } = options;
  const data = dataSchema.parse({ type: 'image-folder', path: images, size: 32, ...shares });
  const dataset = await prepareDataset(data);
  const { height, width, channels, classes } = describeDataset(dataset);
  const task: Task = { input: [height, width, channels], classes: classes.length };
  const config = spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' });
  const keys = trainKeys.parse({ recipe, epochs, ...written[recipe](learningRate) });
  const space = await createSpace(config, task);
  const train = completeTraining(keys, dataDefaults(data));
  return { task, config, space, dataset, train, engine: engineSchema.parse({}), folder };
}

/** No-op hooks. */
export const hooks: FitHooks = {
  onEpoch: () => undefined,
  onProgress: () => undefined,
  signal: new AbortController().signal,
  pause: () => undefined,
};

/** An archive in `data` beside the peers folder (`NAS_BENCH_PEERS`, or `../shared/bench`). */
export const archivePath = (name: string): string =>
  join(dirname(resolve(process.env['NAS_BENCH_PEERS'] ?? '../shared/bench')), 'data', `${name}.tar.gz`);

/** The folder of an archive's images, unpacked once to `<folder>/<name>`. */
export async function unpackedImages(folder: string, name: string, archive: string): Promise<string> {
  const images = join(folder, name);
  if (existsSync(images)) return images;
  const path = archivePath(archive);
  if (!existsSync(path))
    throw invalidInput(`${path} does not exist`, {
      hint: 'Set NAS_BENCH_PEERS to the folder beside `data`, or give --images a folder with one sub-folder per class.',
    });
  const unpacked = `${images}.tmp`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  await promisify(execFile)('tar', ['xzf', path, '-C', unpacked]);
  renameSync(unpacked, images);
  return images;
}

/** CIFAR-10's training images as an image folder (`train/<class>/<n>.jpg`). */
export const cifarImages = async (folder: string): Promise<string> =>
  join(await unpackedImages(folder, 'cifar10', 'cifar10-train'), 'train');
