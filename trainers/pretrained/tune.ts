import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { mainScores, metricsOf, metricTexts, scoreText, type Scores } from '../../base/scores.js';
import { exportFunction, openOnnx, toTrained, type ForeignNetwork } from '../../compiler/index.js';
import { inUnits, outputNames, weightsFrom, type Weights } from '../../spaces/models/index.js';
import type { Augmentation } from '../data/augment/schema.js';
import { withoutMixing } from '../data/augment/steps.js';
import { describeDataset, withDataset, type Dataset, type DatasetRef, type SplitName } from '../data/index.js';
import {
  chooseEngine,
  createEngine,
  placeOf,
  targetBeside,
  type AnyEngine,
  type EngineChoice,
} from '../engines/index.js';
import { evaluateSplit } from '../evaluate.js';
import { checkedLoss, trainingHash, trainResumably } from '../training/fit.js';
import type { CompleteFit, EpochMetrics, FitHooks } from '../jobs.js';
import { proceed } from '../proceed.js';
import type { TrainConfig } from '../schema/recipe.js';
import { readTensorFile, writeTensorFile } from '../tensor-file.js';
import type { TrainingPlan } from '../training/training-loop.js';
import { classInfluence, imagesPerClass } from '../losses/class-balance.js';
import { featuresOf, repeated } from './features.js';
import { fitHead, headParts, type FittedHead } from './fit-head.js';
import { readingLines, readPretrained, type Pretrained, type PretrainedFile } from './read.js';
import { layerRates } from './training.js';

/** What of a pretrained network is trained: a new last layer, or then all of its weights. */
export type Adaptation = 'head' | 'all';

export interface TuneJob {
  readonly file: PretrainedFile;
  /** The file as `readPretrained` read it with the data set; default: it is read now. */
  readonly source?: Pretrained;
  readonly adapt: Adaptation;
  /** The fine-tuning of all weights. */
  readonly train: TrainConfig;
  /** Patterns of the names of weights that stay as they are; `*` stands for any characters. */
  readonly freeze: readonly string[];
  /** frozen (default): batch norm keeps its statistics; followed: they follow the images. */
  readonly norms?: 'frozen' | 'followed' | undefined;
  readonly dataset: DatasetRef;
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** Folder of all caches, for the features. */
  readonly cache: string;
  /** The folder of this training: a checkpoint while it runs. */
  readonly directory: string;
}

/** The parts of the work besides fine-tuning, and what their progress counts. */
export const tuneParts = { features: 'images', head: 'fits', validation: 'images' } as const;
export type TunePart = keyof typeof tuneParts;

export interface TuneHooks extends FitHooks {
  /** Called with the progress of a part. */
  readonly onPart?: ((part: TunePart, done: number, total: number) => void) | undefined;
}

/** A network that was adapted to some data. */
export interface Tuned {
  /** An ONNX file: input NHWC, normalised as `source.scale` says; an output for each class, label or number, without metadata. */
  readonly model: Uint8Array;
  /** The file that it was adapted from. */
  readonly source: Pretrained;
  /** With the new head alone: its ridge, and the scores on the validation images. */
  readonly head: { readonly ridge: number; readonly scores: Scores };
  /** Of the fine-tuning; empty without one. */
  readonly curve: readonly EpochMetrics[];
  /** Of the file, on the validation images. */
  readonly scores: Scores;
  /** The part that the file has; the head alone where fine-tuning made it worse. */
  readonly adapted: Adaptation;
}

/** Rows of features that a head is fitted on, at most; more change little and need memory. */
const mostRows = 20_000;
/** Views of each image that a head is fitted on, where there are few images. */
const mostViews = 4;
const fewRows = 10_000;

/**
 * Adapts a classifier of any program to the data. Its last linear layer is replaced by one for the data's classes, labels or
 * numbers, fitted on features of the images; then, if asked for, all weights are fine-tuned. Features are cached, and a
 * fine-tuning that was interrupted continues: the result is the same.
 * @throws NasError `invalid-input` when the file cannot be trained or does not fit the data; `interrupted` when the signal is
 *   aborted; `failure` when the fine-tuning diverges
 */
export async function tune(job: TuneJob, hooks: TuneHooks): Promise<Tuned> {
  return withDataset(job.dataset, async (dataset) => {
    const source = job.source ?? (await readPretrained(job.file, dataset.info, dataset));
    const rates = layerRates(source.network, job.freeze);
    makeDirectory(job.directory);
    const engine = await chooseEngine(job.engine);
    for (const line of readingLines(source)) hooks.onNote?.(line);
    const { network, ridge } = await withFittedHead(source, job, { engine, hooks });
    const own: Weights = new Map(network.weights.map((weight) => [weight.name, weight]));
    const fileOf = (weights: Weights) => exported(network, weights, dataset);
    const scoresOf = (model: Uint8Array) => scoresIn(model, dataset, source, { engine, threads: job.threads, hooks });
    const model = fileOf(own);
    const head = { ridge, scores: await scoresOf(model) };
    if (job.adapt === 'head') return { model, source, head, curve: [], scores: head.scores, adapted: 'head' };
    const before = deciding(dataset, job.train, head.scores);
    hooks.onNote?.(`With a new head, ${source.name} has a validation ${before.text}`);
    const fitted = await fineTuned({ ...source, network }, rates, { job, dataset, hooks });
    const tuned = fileOf(readTensorFile(fitted.weights).tensors);
    const scores = await scoresOf(tuned);
    const { curve } = fitted;
    const after = deciding(dataset, job.train, scores);
    if (after.score >= before.score) return { model: tuned, source, head, curve, scores, adapted: 'all' };
    hooks.onNote?.(
      `Fine-tuning made it worse (${after.text}): the new head alone is kept. More images, fewer epochs or a lower learning rate may help`,
    );
    return { model, source, head, curve, scores: head.scores, adapted: 'head' };
  });
}

/** The score by which a fine-tuning is better than a head: classes that training balances count the same. */
function deciding(
  { info: { task } }: Dataset,
  { class_weight, class_sampling, loss }: TrainConfig,
  { accuracy, details }: Scores,
): { readonly score: number; readonly text: string } {
  const isBalanced =
    class_weight !== undefined || class_sampling === 'balanced' || loss?.logit_adjustment !== undefined;
  const balanced = isBalanced ? metricsOf(details).balanced_accuracy : undefined;
  const title = balanced === undefined ? mainScores[task.type].title : metricTexts.balanced_accuracy[0];
  const score = balanced ?? accuracy;
  return { score, text: `${title} of ${scoreText(task.type, score)}` };
}

interface NewLayer {
  readonly network: ForeignNetwork;
  readonly ridge: number;
}

interface Fitting {
  readonly engine: EngineChoice;
  readonly hooks: TuneHooks;
}

const headMeta = z.object({ hash: z.string(), ridge: z.number() });

/** The network with a new last layer that is fitted on its features; a fitted layer is kept beside the training. */
async function withFittedHead(source: Pretrained, job: TuneJob, fitting: Fitting): Promise<NewLayer> {
  const file = join(job.directory, 'head.bin');
  const { augment, class_weight, class_sampling, loss } = job.train;
  const data = describeDataset(job.dataset).hash;
  const hash = contentHash('head', source.hash, data, { augment, class_weight, class_sampling, loss }, job.seed);
  if (existsSync(file)) {
    const { meta, tensors } = readTensorFile(file);
    const known = headMeta.parse(meta);
    const [kernel, bias] = [tensors.get('kernel')?.data, tensors.get('bias')?.data];
    if (known.hash === hash && kernel !== undefined && bias !== undefined)
      return { network: source.network.withHead({ kernel, bias }), ridge: known.ridge };
  }
  const { kernel, bias, ridge } = await fittedHead(source, job, fitting);
  const tensors = { kernel: { shape: [kernel.length], data: kernel }, bias: { shape: [bias.length], data: bias } };
  writeTensorFile(file, { hash, ridge }, new Map(Object.entries(tensors)));
  return { network: source.network.withHead({ kernel, bias }), ridge };
}

function fittedHead(
  source: Pretrained,
  { dataset: ref, train, seed, threads, cache }: TuneJob,
  { engine, hooks }: Fitting,
): Promise<FittedHead> {
  const { counts } = describeDataset(ref);
  const subset = ref.subset * Math.min(1, mostRows / counts.train);
  return withDataset({ ...ref, subset }, async (dataset) => {
    const { info } = dataset;
    const augment = withoutMixing(train.augment);
    const views = augment.length === 0 ? 1 : Math.max(1, Math.min(mostViews, Math.floor(fewRows / info.counts.train)));
    const common = { dataset, seed, engine, threads, cache };
    const of = (split: SplitName, own: { readonly augment: Augmentation; readonly views: number }) => {
      const onImages = (done: number, total: number) => hooks.onPart?.('features', done, total);
      return featuresOf(source, { ...common, ...own, split, hooks: { ...hooks, onImages } });
    };
    const training = await of('train', { augment: views === 1 ? [] : augment, views });
    const validation = await of('validation', { augment: [], views: 1 });
    const parts = dataset.trainingParts(headParts);
    const { weightsOf, offsets } = balanceOf(dataset, train);
    const target = await targetBeside(engine, { threads });
    let told = -1;
    const between = async (done: number, total: number): Promise<void> => {
      await proceed(hooks, 'fitting the last layer');
      if (done !== told) hooks.onPart?.('head', (told = done), total);
    };
    const head = await fitHead(
      {
        ...training,
        weights: repeated(weightsOf('train'), views),
        parts: Uint8Array.from({ length: views * parts.length }, (_, row) => parts[row % parts.length]),
      },
      { ...validation, weights: weightsOf('validation') },
      { outputs: info.classes.length, task: info.task.type, target, between },
    );
    return { ...head, bias: head.bias.map((value, c) => value - offsets[c]) };
  });
}

/**
 * How a head's loss counts the images of a split, and what it adds to each output, as the settings of classes say. An offset that
 * training adds to the outputs is taken off the bias, which no ridge limits.
 */
function balanceOf(
  dataset: Dataset,
  train: TrainConfig,
): { readonly weightsOf: (split: SplitName) => Float32Array; readonly offsets: readonly number[] } {
  const { classes, counts: images, task } = dataset.info;
  const none = classes.map(() => 0);
  if (task.type !== 'classification')
    return { weightsOf: (split) => new Float32Array(images[split]).fill(1), offsets: none };
  const counts = imagesPerClass(dataset.split('train').labels, classes.length);
  const influence = classInfluence(train, classes, counts);
  const tau = train.loss?.logit_adjustment;
  return {
    weightsOf: (split) => Float32Array.from(dataset.split(split).labels, (label) => influence[label]),
    offsets: tau === undefined ? none : counts.map((count) => tau * Math.log(Math.max(1, count) / images.train)),
  };
}

interface FineTuning {
  readonly job: TuneJob;
  readonly dataset: Dataset;
  readonly hooks: TuneHooks;
}

/** Trains all weights that are not frozen; continues an interrupted training. */
async function fineTuned(
  { network, hash: from, size, scale: { mean, std } }: Pretrained,
  rates: ReadonlyMap<string, number>,
  { job, dataset, hooks }: FineTuning,
): Promise<CompleteFit> {
  const { train, seed, norms = 'frozen', threads, directory } = job;
  const [, , channels] = network.input;
  const loss = checkedLoss({ classes: network.classes, channels }, train, null, dataset);
  const plan: TrainingPlan = { train, loss, teacher: null, seed, size, scale: { mean, std }, until: undefined };
  const spec = () => ({
    network,
    seed,
    loss,
    optimizer: train.optimizer,
    ema: train.ema,
    precision: train.precision,
    teacher: null,
    frozenNorms: norms === 'frozen',
    rates,
  });
  const hash = trainingHash(['tune', from, job.freeze, norms], plan, dataset.hashAt([size]));
  const engine = () => createEngine(job.engine, spec, { threads, batch: train.batch });
  const result = await trainResumably({ plan, directory, hash, engine }, dataset, hooks);
  if (result.state === 'complete') return result;
  throw new NasError('interrupted', 'fine-tuning was interrupted; it continues when the same command runs again');
}

/** The network as an ONNX file. */
const exported = (network: ForeignNetwork, weights: Weights, { info: { task } }: Dataset): Uint8Array =>
  exportFunction(
    (images) => inUnits(task, network.apply(weightsFrom(weights), images, { training: false }).logits),
    network.input,
    { outputName: outputNames[task.type] },
  );

/** The scores of a file on the validation images. */
async function scoresIn(
  file: Uint8Array,
  dataset: Dataset,
  { size, scale, network }: Pretrained,
  { engine, threads, hooks }: { readonly engine: EngineChoice; readonly threads: number; readonly hooks: TuneHooks },
): Promise<Scores> {
  const { validation: total } = dataset.info.counts;
  let done = 0;
  const model = await openOnnx(file, 'the adapted network', { ...placeOf(engine), threads });
  const asTrained = toTrained(dataset.info.task, 'logits');
  try {
    return await evaluateSplit(
      async (images, count) => {
        await proceed(hooks, 'classifying the validation images');
        const rows = await model.run(images, [count, ...network.input]);
        hooks.onPart?.('validation', (done += count), total);
        return asTrained(rows);
      },
      dataset,
      'validation',
      64,
      { size, scale },
    );
  } finally {
    await model.close();
  }
}
