import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { NasError } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { percent } from '../../base/number-text.js';
import { sum } from '../../base/statistics.js';
import { counted } from '../../base/text.js';
import { mainScores, metricsOf, metricTexts, scoreText, type Scores } from '../../base/scores.js';
import { exportFunction } from '../../compiler/index.js';
import { inUnits, outputNames, type Weights } from '../../spaces/models/index.js';
import { withDataset, type Dataset } from '../data/index.js';
import { chooseEngine, createEngine, type AnyEngine } from '../engines/index.js';
import { checkedLoss, trainingHash, trainResumably } from '../training/fit.js';
import type { CompleteFit, EpochMetrics, FitHooks } from '../jobs.js';
import type { TrainConfig } from '../schema/recipe.js';
import { readTensorFile } from '../tensor-file.js';
import type { TrainingPlan } from '../training/training-loop.js';
import { outlookOf, type Outlook } from './outlook.js';
import { withFittedHead, type HeadJob, type PartHooks } from './new-head.js';
import { readingLines, readPretrained, type Pretrained, type PretrainedFile } from './read.js';
import { tunableOf, type Tunable } from './tunable.js';
import { layerRates, withSchedule } from './training.js';
import { lengthFor } from './within-time.js';

/** What of a pretrained network is trained: a new last layer, or then all of its weights. */
export type Adaptation = 'head' | 'all';

export interface TuneJob extends HeadJob {
  readonly file: PretrainedFile;
  /** The file as `readPretrained` read it with the data set; default: it is read now. */
  readonly source?: Pretrained;
  readonly adapt: Adaptation;
  /** The whole work ends within so many minutes: it trains fewer epochs where all do not fit. Default: all epochs. */
  readonly minutes?: number | undefined;
  /** Patterns of the names of weights that stay as they are; `*` stands for any characters. */
  readonly freeze: readonly string[];
  /** frozen (default): batch norm keeps its statistics; followed: they follow the images. */
  readonly norms?: 'frozen' | 'followed' | undefined;
  readonly engine: AnyEngine;
  /** The folder of this training: a checkpoint while it runs. */
  readonly directory: string;
}

export interface TuneHooks extends FitHooks, PartHooks {}

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
  /** What a longer fine-tuning may bring; null without one. */
  readonly outlook: Outlook | null;
  /** Of the file, on the validation images. */
  readonly scores: Pick<Scores, 'accuracy' | 'details'>;
  /** The part that the file has; the head alone where fine-tuning made it worse. */
  readonly adapted: Adaptation;
}

/**
 * Adapts a classifier of any program to the data. Its last linear layer is replaced by one for the data's classes, labels or
 * numbers, fitted on features of the images; then, if asked for, all weights are fine-tuned. Features are cached, and a
 * fine-tuning that was interrupted continues: the result is the same.
 * @throws NasError `invalid-input` when the file cannot be trained or does not fit the data; `interrupted` when the signal is
 *   aborted; `failure` when the fine-tuning diverges
 */
export async function tune(job: TuneJob, hooks: TuneHooks): Promise<Tuned> {
  const started = performance.now();
  return withDataset(job.dataset, async (dataset) => {
    const source = job.source ?? (await readPretrained(job.file, dataset.info, dataset));
    // Unknown names are refused before anything is computed.
    layerRates(source.network.weights, job.freeze);
    makeDirectory(job.directory);
    const engine = await chooseEngine(job.engine);
    for (const line of readingLines(source)) hooks.onNote?.(line);
    const { network, train, ...head } = await withFittedHead(source, job, { dataset, engine, hooks });
    const { norms = 'frozen', freeze } = job;
    const tunable = tunableOf(network, { scale: source.scale, freeze, norms });
    const fileOf = (weights: Weights) => exported(tunable, weights, dataset);
    const withHead = {
      model: fileOf(tunable.initial),
      source,
      head,
      curve: [],
      outlook: null,
      scores: head.scores,
      adapted: 'head',
    } as const;
    if (job.adapt === 'head') return withHead;
    const judged = judgeOf(dataset, train);
    const before = judged.of({ accuracy: head.scores.accuracy, metrics: metricsOf(head.scores.details) });
    hooks.onNote?.(`With a new head, ${source.name} has a validation ${judged.text(before)}`);
    if (tunable.unlike !== null && engine.type === 'native')
      hooks.onNote?.(`${source.name} is trained by the compiled engine, which takes longer: ${tunable.unlike}`);
    const fitted = await fineTuned(tunable, source, {
      job: { ...job, train },
      dataset,
      hooks,
      score: judged.of,
      started,
    });
    if (fitted === null) {
      hooks.onNote?.(
        `No time is left to train all weights: the new head alone is kept. ${job.minutes} minutes are too short`,
      );
      return withHead;
    }
    const { weights, curve, accuracy, details } = fitted;
    const outlook = outlookOf(
      curve.map(({ validation_accuracy: score }) => score),
      sum(curve.map(({ seconds }) => seconds)),
      curve.length < fitted.epochs,
    );
    const after = judged.of({ accuracy, metrics: metricsOf(details) });
    if (after >= before) {
      const model = fileOf(readTensorFile(weights).tensors);
      return { ...withHead, model, curve, outlook, scores: { accuracy, details }, adapted: 'all' };
    }
    hooks.onNote?.(
      `Fine-tuning made it worse (${judged.text(after)}): the new head alone is kept. More images, fewer epochs or a lower learning rate may help`,
    );
    return { ...withHead, curve, outlook };
  });
}

/** The score of a validation, and its metrics where its task has them. */
type Judged = Pick<EpochMetrics, 'metrics'> & { readonly accuracy: number };

/** The score by which an epoch is better than another one, or than a head: classes that training balances count the same. */
function judgeOf({ info: { task } }: Dataset, { class_weight, class_sampling }: TrainConfig) {
  const isBalanced = task.type === 'classification' && (class_weight !== undefined || class_sampling === 'balanced');
  const title = isBalanced ? metricTexts.balanced_accuracy[0] : mainScores[task.type].title;
  return {
    of: ({ accuracy, metrics }: Judged): number => (isBalanced ? metrics['balanced_accuracy'] : undefined) ?? accuracy,
    text: (score: number): string => `${title} of ${scoreText(task.type, score)}`,
  };
}

interface FineTuning {
  readonly job: TuneJob;
  readonly dataset: Dataset;
  readonly hooks: TuneHooks;
  /** Epochs are compared by it. */
  readonly score: (validation: Judged) => number;
  /** When the work began, of `performance.now()`. */
  readonly started: number;
}

/** Share of the epochs after which a training without a better one ends. */
const patience = 1 / 3;

/** Trains all weights that are not frozen; continues an interrupted training. Null where there is no time for it. */
async function fineTuned(
  { network, initial, rates, scale: { mean, std }, unlike }: Tunable,
  { hash: from, size }: Pretrained,
  { job, dataset, hooks, score, started }: FineTuning,
): Promise<(CompleteFit & { readonly epochs: number }) | null> {
  const { seed, norms = 'frozen', threads, directory, train: asked } = job;
  const [, , channels] = network.input;
  const loss = checkedLoss({ classes: network.classes, channels }, asked, null, dataset);
  const { optimizer, batch } = asked;
  const frozenNorms = norms === 'frozen';
  const shared = { network, initial, seed, loss, optimizer, teacher: null, frozenNorms, rates, averagesStart: true };
  const engineFor = ({ ema }: TrainConfig) => createEngine(job.engine, () => ({ ...shared, ema }), { threads, batch });
  const { minutes } = job;
  const length =
    minutes === undefined
      ? {}
      : await lengthFor(
          {
            minutes,
            train: asked,
            network,
            counts: dataset.info.counts,
            file: join(directory, 'length.json'),
            elapsed: () => (performance.now() - started) / 1000,
          },
          () => engineFor(asked),
        );
  if (length === null) return null;
  const train = withSchedule(dataset.info.counts.train, { ...asked, ...length });
  if (train.epochs < asked.epochs || train.epoch_share < asked.epoch_share) {
    const part = train.epoch_share < 1 ? ` of ${percent(train.epoch_share)} of the images` : '';
    hooks.onNote?.(
      `${counted(train.epochs, 'epoch')}${part} ${train.epochs === 1 ? 'fits' : 'fit'} into ${counted(minutes ?? 0, 'minute')}; minutes or epochs change that`,
    );
  }
  const best = {
    score: ({ validation_accuracy: accuracy, metrics }: EpochMetrics) => score({ accuracy, metrics }),
    patience: Math.max(2, Math.ceil(patience * train.epochs)),
  };
  const plan: TrainingPlan = { train, loss, teacher: null, seed, size, scale: { mean, std }, until: undefined, best };
  const kind = unlike === null ? 'network' : 'function';
  const hash = trainingHash(['tune, best epoch', kind, from, job.freeze, norms], plan, dataset.hashAt([size]));
  const result = await trainResumably({ plan, directory, hash, engine: () => engineFor(train) }, dataset, hooks);
  if (result.state === 'complete') return { ...result, epochs: train.epochs };
  throw new NasError('interrupted', 'fine-tuning was interrupted; it continues when the same command runs again');
}

/** The network as an ONNX file. */
const exported = ({ network, logits }: Tunable, weights: Weights, { info: { task } }: Dataset): Uint8Array =>
  exportFunction((images) => inUnits(task, logits(weights, images)), network.input, {
    outputName: outputNames[task.type],
  });
