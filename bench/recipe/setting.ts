import { join } from 'node:path';
import { createSpace, spaceSchema, type Network, type Space } from '../../spaces/index.js';
import { mean } from '../../base/statistics.js';
import {
  completeTraining,
  defaultAugment,
  dataSchema,
  describeDataset,
  engineSchema,
  prepareDataset,
  trainKeys,
  withStepsOn,
  type Augmentation,
  type DatasetRef,
  type PreparedTeacher,
  type TrainConfig,
} from '../../trainers/index.js';
import { trainAlone, type Trained } from '../supernet/alone.js';
import { cifarImages, unpackedImages } from '../supernet/setting.js';

export const recipes = ['plain', 'fast'] as const;
export type Recipe = (typeof recipes)[number];

/** A table: its head, then its rows. */
export type Rows = readonly (readonly string[])[];

/** Options of one run of the benchmark. */
export interface Setting {
  readonly seeds: readonly number[];
  /** Few images and steps, to see that everything works. */
  readonly quick: boolean;
  /** Cache of images and results. */
  readonly folder: string;
}

/** Images, the default augmentation of the fast recipe, and what the plain recipe adds by hand for them. */
export interface Images {
  readonly dataset: DatasetRef;
  /** `data:` of an experiment with them. */
  readonly data: object;
  readonly augment: Augmentation;
  readonly plain: object;
}

const photographs = { plain: { augment: ['flip', { type: 'crop', pixels: 4 }] } };
const folderData = (path: string, size: number, test: number, validation: number) =>
  ({ type: 'image-folder', path, size, test, validation }) as const;

/** The data of each image set, and what the plain recipe adds. */
const sources = {
  cifar: { data: async (folder: string) => folderData(await cifarImages(folder), 32, 0.2, 0.05), ...photographs },
  flowers: {
    data: async (folder: string) =>
      folderData(join(await unpackedImages(folder, 'flowers', 'flowers'), 'flowers'), 96, 0.2085, 0.02),
    ...photographs,
  },
  'small flowers': {
    data: async (folder: string) =>
      folderData(join(await unpackedImages(folder, 'flowers', 'flowers'), 'flowers'), 64, 0.3, 0.05),
    ...photographs,
  },
  fashion: { data: () => Promise.resolve({ type: 'fashion-mnist', validation: 0.05 } as const), plain: {} },
};

/**
 * An image set whose test images serve only to compare trainings.
 * @param count training images of all classes alike, with a ninth as many for validation; default: about 14,000
 */
export async function imagesOf(
  name: keyof typeof sources,
  { folder, quick }: Setting,
  count?: number,
): Promise<Images> {
  const { data, plain } = sources[name];
  const config = dataSchema.parse(await data(folder));
  const all = await prepareDataset(config);
  const { counts } = describeDataset(all);
  const total = counts.train + counts.validation;
  const validation = count === undefined ? all.validation : Math.min(0.1, count / 9 / total);
  const subset = Math.min(1, (count ?? (quick ? 1000 : 14_000)) / (total * (1 - validation)));
  const shares = { validation, subset };
  return { dataset: { ...all, ...shares }, data: { ...config, ...shares }, augment: defaultAugment(config), plain };
}

/**
 * Networks of one choice, by their million multiply-accumulates at 32 pixels with a stem of stride 1. A stage of inverted
 * residuals is filters/expansion/stride/blocks.
 */
export const shapes = {
  '1 M': ['16/1/2/1', '24/2/2/1', '40/3/2/2'],
  '4 M': ['16/1/2/1', '24/3/1/2', '40/3/2/2', '80/3/2/1'],
  '8 M': ['16/1/2/1', '32/3/1/2', '56/3/2/3', '96/3/2/1'],
} as const;

export interface Shape {
  readonly shape?: keyof typeof shapes;
  readonly stride?: 1 | 2;
  readonly se?: number;
  readonly resolution?: number;
}

export async function spaceOf({ dataset }: Images, space: object): Promise<Space> {
  const { height, width, channels, classes } = describeDataset(dataset);
  return createSpace(spaceSchema.parse({ type: 'mobilenet', ...space }), {
    input: [height, width, channels],
    classes: classes.length,
  });
}

export async function networkOf(
  images: Images,
  { shape = '1 M', stride = 1, se = 0, resolution }: Shape,
): Promise<Network> {
  const act = 'relu6';
  const stages = shapes[shape].map((stage) => stage.split('/').map(Number));
  const space = await spaceOf(images, {
    ...(resolution === undefined ? {} : { resolution }),
    width: 1,
    stem: { filters: 16, stride, act },
    stages: stages.map(([filters, expand, step, depth]) => ({ filters, expand, stride: step, depth, se, act })),
    head: { filters: 2 * (stages.at(-1)?.[0] ?? 0), act, dropout: 0 },
  });
  return space.build(space.canonical(space.decisions.map(() => 0)));
}

/** `train:` by a recipe with the keys that the user gives, complete for the number of images. */
export function trainOf(recipe: Recipe, { dataset, augment, plain }: Images, keys: object): TrainConfig {
  const own = recipe === 'plain' ? plain : {};
  const config = completeTraining(trainKeys.parse({ recipe, ...own, ...keys }), { augment });
  const { train: count } = describeDataset(dataset).counts;
  return withStepsOn(count, { ...config, batch: Math.min(config.batch, count) });
}

export const engine = engineSchema.parse({});

/** A training by a recipe on one thread; cached. */
export function train(
  { folder }: Setting,
  images: Images,
  network: Network,
  config: TrainConfig,
  seed: number,
  teacher?: PreparedTeacher,
): Promise<Trained> {
  return trainAlone({ train: config, dataset: images.dataset, engine, folder, teacher }, network, seed);
}

/** Runs a task for each item, one after the other. */
export async function each<T, U>(items: Iterable<T>, task: (item: T, index: number) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await task(item, results.length));
  return results;
}

/** Standard error of the mean; NaN for one value. */
export function standardError(values: readonly number[]): number {
  const centre = mean(values);
  const squares = values.map((value) => (value - centre) ** 2);
  return Math.sqrt((mean(squares) * values.length) / (values.length - 1) / values.length);
}

export const points = (share: number): string => (100 * share).toFixed(1);
export const signed = (share: number): string => `${share < 0 ? '' : '+'}${points(share)}`;
export const progress = (line: string): void => void process.stderr.write(`${line}\n`);
