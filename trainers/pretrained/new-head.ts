import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { standardErrorOf } from '../../base/certainty.js';
import { contentHash } from '../../base/hash.js';
import { createScoreboard } from '../../base/scoreboard.js';
import { percent } from '../../base/number-text.js';
import { metricsOf, type Details, type Scores } from '../../base/scores.js';
import { sum } from '../../base/statistics.js';
import type { ForeignNetwork } from '../../compiler/index.js';
import type { Augmentation } from '../data/augment/schema.js';
import { withoutMixing } from '../data/augment/steps.js';
import { describeDataset, withDataset, type Dataset, type DatasetRef, type SplitName } from '../data/index.js';
import { targetBeside, type EngineChoice } from '../engines/index.js';
import { areUnequal, classInfluence, imagesPerClass } from '../losses/class-balance.js';
import type { FitHooks } from '../jobs.js';
import { makeOnce } from '../make-once.js';
import { proceed } from '../proceed.js';
import type { TrainConfig } from '../schema/recipe.js';
import { CorruptFile, readTensorFile, writeTensorFile } from '../tensor-file.js';
import { featuresOf, repeated } from './features.js';
import { fitHead, headParts, outputsOf, type FittedHead, type LabelledFeatures } from './fit-head.js';
import type { Pretrained } from './read.js';

/** What a new last layer is fitted for. */
export interface HeadJob {
  /** The fine-tuning of all weights; its augmentation and its balance of classes are the layer's, too. */
  readonly train: TrainConfig;
  /** given (default): classes are balanced as the training says; chosen: as validation says, where they are unequal. */
  readonly balance?: 'given' | 'chosen' | undefined;
  readonly dataset: DatasetRef;
  readonly seed: number;
  readonly threads: number;
  /** Folder of all caches, for the features. */
  readonly cache: string;
}

/** The parts of the work before fine-tuning, and what their progress counts. */
export const tuneParts = { features: 'images', head: 'ridges' } as const;
export type TunePart = keyof typeof tuneParts;

export interface PartHooks extends Pick<FitHooks, 'signal' | 'pause' | 'onNote'> {
  /** Called with the progress of a part. */
  readonly onPart?: ((part: TunePart, done: number, total: number) => void) | undefined;
}

/** Rows of features that a head is fitted on, at most; more change little and need memory. */
const mostRows = 20_000;
/** Views of each image that a head is fitted on, where there are few images. */
const mostViews = 4;
const fewRows = 10_000;

/** A network with a new last layer. */
export interface NewLayer {
  readonly network: ForeignNetwork;
  readonly ridge: number;
  /** On the validation images. */
  readonly scores: Scores;
}

export interface Fitting {
  readonly dataset: Dataset;
  readonly engine: EngineChoice;
  readonly hooks: PartHooks;
}

const headMeta = z.object({ ridge: z.number() });

/** The network with a new last layer that is fitted on its features; the layer is cached with them. */
async function fittedLayer(source: Pretrained, job: HeadJob, fitting: Fitting): Promise<NewLayer> {
  const { dataset, hooks } = fitting;
  const { info } = dataset;
  const { augment, class_weight, class_sampling } = job.train;
  const balance = { class_weight, class_sampling };
  const key = contentHash(
    'head',
    source.hash,
    dataset.hashAt([source.size]),
    withoutMixing(augment),
    balance,
    job.seed,
  );
  const file = join(job.cache, 'features', `${key.slice(0, 32)}.head`);
  const validation = await splitFeatures(source, job, fitting, { split: 'validation', augment: [], views: 1 });
  const { kernel, bias, ridge } = await makeOnce({
    path: file,
    name: `the new last layer of ${source.name}`,
    find: () => readHead(file),
    make: async () => {
      const fitted = await fittedHead(source, job, { ...fitting, validation });
      const vectors = Object.entries({ kernel: fitted.kernel, bias: fitted.bias });
      const tensors = new Map(vectors.map(([name, data]) => [name, { shape: [data.length], data }]));
      writeTensorFile(file, { ridge: fitted.ridge }, tensors);
      return fitted;
    },
    ...hooks,
  });
  const board = createScoreboard(info.task, info.classes.length);
  board.add(outputsOf({ kernel, bias }, validation.features), validation.targets, info.counts.validation);
  return { network: source.network.withHead({ kernel, bias }), ridge, scores: board.scores() };
}

/**
 * The network with a new last layer, and the training that goes on from it. Where classes are unequal and their balance is chosen, a
 * second layer is fitted with `class_weight: auto`. It is taken unless its balanced accuracy on the validation images is lower by more
 * than a standard error: few of these images are of rare classes.
 */
export async function withFittedHead(
  source: Pretrained,
  job: HeadJob,
  fitting: Fitting,
): Promise<NewLayer & { readonly train: TrainConfig }> {
  const { dataset, hooks } = fitting;
  const { classes, task } = dataset.info;
  const plain = { ...(await fittedLayer(source, job, fitting)), train: job.train };
  if (job.balance !== 'chosen' || task.type !== 'classification') return plain;
  const perClass = imagesPerClass(dataset.split('train').labels, classes.length);
  if (!areUnequal(perClass)) return plain;
  const train = { ...job.train, class_weight: 'auto' } as const;
  const balanced = { ...(await fittedLayer(source, { ...job, train }, fitting)), train };
  const [before, after] = [plain, balanced].map(({ scores }) => metricsOf(scores.details)['balanced_accuracy'] ?? 0);
  const isTaken = after >= before - balancedError(plain.scores.details);
  hooks.onNote?.(
    `Classes have ${Math.min(...perClass)} to ${Math.max(...perClass)} training images. A new head with class_weight auto has a balanced accuracy of ${percent(after)} on validation images, one without it ${percent(before)}: rare classes count ${isTaken ? 'more' : 'as they are'}`,
  );
  return isTaken ? balanced : plain;
}

/** Standard error of a balanced accuracy. */
function balancedError(details: Details): number {
  if (details.type !== 'classification') return 0;
  const { confusion } = details;
  const squares = confusion.map((row, actual) => {
    const images = sum(row);
    return standardErrorOf(images === 0 ? 0 : row[actual] / images, images) ** 2;
  });
  return Math.sqrt(sum(squares)) / confusion.length;
}

/** A layer that was fitted before; null where there is none, or a damaged one. */
function readHead(file: string): Omit<FittedHead, 'loss'> | null {
  if (!existsSync(file)) return null;
  try {
    const { meta, tensors } = readTensorFile(file);
    const [kernel, bias] = [tensors.get('kernel')?.data, tensors.get('bias')?.data];
    return kernel === undefined || bias === undefined ? null : { kernel, bias, ...headMeta.parse(meta) };
  } catch (error) {
    if (error instanceof CorruptFile) return null;
    throw error;
  }
}

/** The features of a split, with progress. */
function splitFeatures(
  source: Pretrained,
  { seed, threads, cache }: HeadJob,
  { dataset, engine, hooks }: Fitting,
  own: { readonly split: SplitName; readonly augment: Augmentation; readonly views: number },
): Promise<LabelledFeatures> {
  const onImages = (done: number, total: number) => hooks.onPart?.('features', done, total);
  return featuresOf(source, { dataset, engine, seed, threads, cache, ...own, hooks: { ...hooks, onImages } });
}

function fittedHead(
  source: Pretrained,
  job: HeadJob,
  { engine, hooks, validation }: Fitting & { readonly validation: LabelledFeatures },
): Promise<FittedHead> {
  const { dataset: ref, train, threads } = job;
  const { counts } = describeDataset(ref);
  const subset = ref.subset * Math.min(1, mostRows / counts.train);
  return withDataset({ ...ref, subset }, async (dataset) => {
    const { info } = dataset;
    const augment = withoutMixing(train.augment);
    const views = augment.length === 0 ? 1 : Math.max(1, Math.min(mostViews, Math.floor(fewRows / info.counts.train)));
    const fitting = { dataset, engine, hooks };
    const seen = views === 1 ? [] : augment;
    const training = await splitFeatures(source, job, fitting, { split: 'train', augment: seen, views });
    const parts = dataset.trainingParts(headParts);
    const weightsOf = imageWeightsOf(dataset, train);
    const target = await targetBeside(engine, { threads });
    let shown = -1;
    const between = async (done: number, total: number): Promise<void> => {
      await proceed(hooks, 'fitting the last layer');
      if (done !== shown) hooks.onPart?.('head', (shown = done), total);
    };
    return fitHead(
      {
        ...training,
        weights: repeated(weightsOf('train'), views),
        parts: Uint8Array.from({ length: views * parts.length }, (_, row) => parts[row % parts.length]),
      },
      { ...validation, weights: weightsOf('validation') },
      { outputs: info.classes.length, task: info.task.type, target, between },
    );
  });
}

/** How much a head's loss counts the images of a split, as the settings of classes say. */
function imageWeightsOf(dataset: Dataset, train: TrainConfig): (split: SplitName) => Float32Array {
  const { classes, counts: images, task } = dataset.info;
  if (task.type !== 'classification') return (split) => new Float32Array(images[split]).fill(1);
  const counts = imagesPerClass(dataset.split('train').labels, classes.length);
  const influence = classInfluence(train, classes, counts);
  return (split) => Float32Array.from(dataset.split(split).labels, (label) => influence[label]);
}
