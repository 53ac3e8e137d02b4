import { NasError } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { mainScores, scoreText, type Scores } from '../../base/scores.js';
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
import { checkedLoss, trainingHash, trainResumably } from '../fit.js';
import type { CompleteFit, EpochMetrics, FitHooks } from '../jobs.js';
import { proceed } from '../proceed.js';
import type { TrainConfig } from '../recipe.js';
import { readTensorFile } from '../tensor-file.js';
import type { TrainingPlan } from '../training-loop.js';
import { featuresOf } from './features.js';
import { fitHead } from './fit-head.js';
import { readPretrained, type Pretrained, type PretrainedFile } from './read.js';
import { layerRates } from './training.js';

/** What of a pretrained network is trained: a new last layer, or then all of its weights. */
export type Adaptation = 'head' | 'all';

export interface TuneJob {
  readonly file: PretrainedFile;
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
export const tuneParts = { features: 'images', head: 'ridges', validation: 'images' } as const;
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
    const source = await readPretrained(job.file, dataset.info);
    const rates = layerRates(source.network, job.freeze);
    makeDirectory(job.directory);
    const engine = await chooseEngine(job.engine);
    const { network, ridge } = await withFittedHead(source, job, { engine, hooks });
    const own: Weights = new Map(network.weights.map((weight) => [weight.name, weight]));
    const fileOf = (weights: Weights) => exported(network, weights, dataset);
    const scoresOf = (model: Uint8Array) => scoresIn(model, dataset, source, { engine, threads: job.threads, hooks });
    const model = fileOf(own);
    const head = { ridge, scores: await scoresOf(model) };
    if (job.adapt === 'head') return { model, source, head, curve: [], scores: head.scores, adapted: 'head' };
    hooks.onNote?.(`With a new head, ${source.name} has a validation ${described(dataset, head.scores)}`);
    const fitted = await fineTuned({ ...source, network }, rates, { job, dataset, hooks });
    const tuned = fileOf(readTensorFile(fitted.weights).tensors);
    const scores = await scoresOf(tuned);
    const { curve } = fitted;
    if (scores.accuracy >= head.scores.accuracy) return { model: tuned, source, head, curve, scores, adapted: 'all' };
    hooks.onNote?.(
      `Fine-tuning made it worse (${described(dataset, scores)}): the new head alone is kept. More images, fewer epochs or a lower learning rate may help`,
    );
    return { model, source, head, curve, scores: head.scores, adapted: 'head' };
  });
}

const described = ({ info: { task } }: Dataset, { accuracy }: Scores): string =>
  `${mainScores[task.type].title} of ${scoreText(task.type, accuracy)}`;

/** The network with a new last layer that is fitted on its features. */
async function withFittedHead(
  source: Pretrained,
  { dataset: ref, train, seed, threads, cache }: TuneJob,
  { engine, hooks }: { readonly engine: EngineChoice; readonly hooks: TuneHooks },
): Promise<{ readonly network: ForeignNetwork; readonly ridge: number }> {
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
    const target = await targetBeside(engine, { threads });
    const between = async (done: number, total: number): Promise<void> => {
      await proceed(hooks, 'fitting the last layer');
      hooks.onPart?.('head', done, total);
    };
    const options = { outputs: info.classes.length, task: info.task.type, target, between };
    const { ridge, ...head } = await fitHead(training, validation, options, views);
    return { network: source.network.withHead(head), ridge };
  });
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
