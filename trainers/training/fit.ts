import { isMapTask } from '../../base/task.js';
import { type Dataset, epochImages, withDataset } from '../data/index.js';
import { calibrateBatchNorm } from '../batch-norm.js';
import { stepsPerEpoch } from '../data/batches.js';
import {
  chooseEngine,
  createEngine,
  type EngineKind,
  type ProgramSpec,
  type TrainingEngine,
} from '../engines/index.js';
import type { FitHooks, FitJob, FitResult, PreparedTeacher } from '../jobs.js';
import { formOf } from '../image-form.js';
import { initialHash, readInitial } from '../weights.js';
import { whitenedStem } from './whitened-stem.js';
import { detectionOf, styleOf, type Network, mapTaskOf } from '../../spaces/index.js';
import { headSpecs, weightSpecs, type WeightSpec } from '../../spaces/models/index.js';
import { byPixels, classWeights, imagesPerClass } from '../losses/class-balance.js';
import { pixelsPerClass } from '../mask-scoreboard.js';
import { type Loss, lossFor, unsuitedKeys } from '../schema/loss.js';
import { completeFit, TrainingLoop, type TrainingPlan } from './training-loop.js';
import { rmSync } from 'node:fs';
import { DeviceFailure, invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { TrainingFiles } from './checkpoint.js';
import type { LossConfig } from '../schema/loss.js';
import type { TrainConfig } from '../schema/recipe.js';
import { CorruptFile } from '../tensor-file.js';

/**
 * Trains one network and keeps its files in `job.directory`: a checkpoint after each epoch and every
 * `train.checkpoint_seconds`. Called again after an interruption, a kill or a pause (`job.until`), it resumes from the
 * checkpoint; called again after completion, it returns the result at once. The result equals that of an uninterrupted
 * training bit for bit (except `seconds`) on the same machine with the same number of threads.
 *
 * @throws NasError `failure` when the loss is no longer a number; `invalid-input` when network, data, teacher and
 *   configuration do not fit together or the engine does not work here
 */
export async function fit(job: FitJob, hooks: FitHooks): Promise<FitResult> {
  return withDataset(job.dataset, (dataset) => trainResumably(resumableFit(job, dataset), dataset, hooks));
}

/** The training of a job, with the configured kind of engine. */
export function resumableFit(job: FitJob, dataset: Dataset): ResumableTraining {
  const { network, seed, train, teacher, initial, threads, sharedCores, directory, until } = job;
  const { classes, input } = network;
  const [, , channels] = input;
  const loss = checkedLoss({ classes, channels }, train, teacher, dataset);
  const form = formOf(network);
  const head = detectionOf(network);
  const { type } = dataset.info.task;
  if ((isMapTask(type) ? type : null) !== (head && mapTaskOf(head)))
    throw invalidInput(
      `the network is ${head === null ? 'a classifier' : `for ${mapTaskOf(head)}`}, the data is for ${type}`,
    );
  const estimateStatistics = statisticsAtEnd(job, dataset, loss);
  const rates = learningShares(network, train);
  const plan: TrainingPlan = { train, loss, teacher, seed, ...form, until, estimateStatistics };
  const spec = () => ({
    network,
    seed,
    ...initialisation(job, dataset),
    loss,
    optimizer: train.optimizer,
    ema: train.ema,
    rates,
  });
  const engine = (begun?: EngineKind) =>
    createEngine(job.engine, spec, { threads, sharedCores, batch: train.batch, begun });
  const data = dataset.hashAt([form.size], loss.unlabelled);
  const trained = ['fit', network, initialHash(initial), ...(rates ?? [])];
  const hash = trainingHash(trained, plan, data);
  return { plan, directory, hash, engine };
}

/** Of the output layers of detectors, and of networks of pools. */
export const outputRate = 0.1;
/** Of norms in networks of pools: offsets learn faster than other weights, and scales stay (Jordan 2024). */
const normRates = { beta: 4, gamma: 0 };

const ratesOf = (specs: readonly WeightSpec[], rate: number) => specs.map(({ name }) => [name, rate] as const);

/** The shares of the learning rate of a detector in the recipe `fast`, which has large rates; undefined: all are 1. */
export const outputRates = (network: Network, { recipe }: TrainConfig): ReadonlyMap<string, number> | undefined =>
  recipe !== 'fast' || detectionOf(network) === null ? undefined : new Map(ratesOf(headSpecs(network), outputRate));

/** The shares of the learning rate in the recipe `fast`; undefined: all are 1. */
export function learningShares(network: Network, train: TrainConfig): ReadonlyMap<string, number> | undefined {
  const isPooled = network.blocks.length > 0 && network.blocks.every(({ kind }) => kind === 'pooled');
  if (train.recipe !== 'fast' || !isPooled) return outputRates(network, train);
  const norms = Object.entries(normRates).flatMap(([role, rate]) =>
    ratesOf(
      weightSpecs(network).filter(({ name }) => name.endsWith(`/${role}`)),
      rate,
    ),
  );
  return new Map([...norms, ...ratesOf(headSpecs(network), outputRate)]);
}

/** In fewer steps, moving statistics lag behind the weights: re-estimated ones are more accurate. */
const followingSteps = (network: Network): number => 10 / (1 - styleOf(network).momentum);

/** Training images for the statistics of a short training. The maps of a detector have many cells, also where they are deepest. */
const statisticsImages = (network: Network): number => (detectionOf(network) === null ? 2048 : 256);

/** Batch norm's statistics at the end of a training by the recipe `fast` that is too short for moving averages; else undefined. */
function statisticsAtEnd(job: FitJob, dataset: Dataset, loss: Loss): TrainingPlan['estimateStatistics'] {
  const { network, train, seed, threads } = job;
  const { epochs, batch, epoch_share: share, augment, class_sampling: classSampling, recipe } = train;
  const images = epochImages(dataset.info, loss.unlabelled === true);
  const steps = epochs * stepsPerEpoch(images, { batch, dropLast: true, share });
  if (recipe !== 'fast' || steps >= followingSteps(network)) return undefined;
  return async (weights, between) => {
    const labelled = { dataset, augment, classSampling, batch, calibration: statisticsImages(network), seed };
    return calibrateBatchNorm({ network, weights }, labelled, {
      engine: await chooseEngine(job.engine),
      threads,
      between,
    });
  };
}

/** The initial weights of a training; deterministic, so a resumed training recomputes the same. */
function initialisation(
  { network, seed, train, initial }: FitJob,
  dataset: Dataset,
): Pick<ProgramSpec, 'stem' | 'initial'> {
  const stem = train.stem === 'whitened' ? whitenedStem(dataset, network.input, weightSpecs(network)) : undefined;
  return initial === undefined ? { stem } : { stem, initial: readInitial(network, seed, initial, stem) };
}

/** A training that can be interrupted and resumed. */
interface ResumableTraining {
  readonly plan: TrainingPlan;
  readonly directory: string;
  /** Hash of everything that determines the result to the bit, except machine, threads and engine. */
  readonly hash: string;
  /** Called only when something is left to train. @param begun the kind of engine that began it, absent for a new training */
  readonly engine: (begun?: EngineKind) => Promise<TrainingEngine>;
}

/** Resumes from the checkpoint, if any, and trains to the end; returns a finished result at once. */
export async function trainResumably(
  { plan, directory, hash, engine: open }: ResumableTraining,
  dataset: Dataset,
  hooks: FitHooks,
): Promise<FitResult> {
  const files = new TrainingFiles(directory, hash);
  const finished = forgiving(hooks, () => files.readFinished());
  if (finished !== null) {
    rmSync(files.checkpoint, { force: true });
    hooks.onStart?.({ epoch: plan.train.epochs, step: 0 });
    return completeFit(finished, files, plan);
  }
  const checkpoint = forgiving(hooks, () => {
    const found = files.readCheckpoint();
    if (plan.best !== undefined && (found?.position.curve.length ?? 0) > 0) files.readBest();
    return found;
  });
  try {
    const engine = await open(checkpoint?.engine);
    sayInstead(engine, hooks);
    const training = await TrainingLoop.start(plan, hooks, files, engine, dataset, checkpoint);
    try {
      return await training.run();
    } finally {
      await training.close();
    }
  } catch (error) {
    throw error instanceof DeviceFailure ? advised(error, plan.train.batch) : error;
  }
}

/** Adds advice to a device failure of a training with this batch size. */
function advised({ kind, message, cause, hint: own }: DeviceFailure, batch: number): DeviceFailure {
  const smaller =
    batch > 1
      ? `Set a smaller train.batch: ${Math.floor(batch / 2)} instead of ${batch}.`
      : 'Train smaller networks or images: a batch has one image already.';
  const hint = {
    memory: smaller,
    lost: `The training goes on from its checkpoint in a new process. Steps that take long make some drivers reset the device. ${smaller}`,
  }[kind];
  return new DeviceFailure(kind, message, { hint: own ?? hint, cause });
}

/** Says why another engine trains this network than the chosen one. */
function sayInstead({ name, instead }: TrainingEngine, hooks: FitHooks): void {
  if (instead !== undefined) hooks.onNote?.(`the ${name} engine trains this network: ${instead}`);
}

/** A damaged file only costs the time to train again. */
function forgiving<T>(hooks: FitHooks, read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    hooks.onNote?.(`${error.message}; this training starts over`);
    return null;
  }
}

/**
 * Checks that network, data, teacher and configuration fit together, and returns the loss to train with.
 * @throws NasError `invalid-input` when they do not
 */
export function checkedLoss(
  { classes, channels }: { readonly classes: number; readonly channels: number },
  train: TrainConfig,
  teacher: PreparedTeacher | null,
  dataset: Dataset,
): Loss {
  const { info } = dataset;
  const loss = lossFor(train.loss, teacher ?? { type: 'none' });
  if (classes !== info.classes.length)
    throw invalidInput(`the network has ${classes} outputs, the data needs ${info.classes.length}`);
  for (const [path, why] of unsuitedKeys(info.task.type, train))
    throw invalidInput(`train.${path.join('.')} does not suit data of the task ${info.task.type}: ${why}`, {
      hint: 'Leave it out.',
    });
  if (channels !== info.channels)
    throw invalidInput(`the network takes ${channels} channels, the images have ${info.channels}`);
  const images = epochImages(info, loss.type !== 'cross-entropy');
  if (train.batch > images)
    throw invalidInput(`a batch of ${train.batch} images is more than the ${images} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
  if (loss.type !== 'cross-entropy' && (teacher?.logits ?? null) === null)
    throw new Error('the loss needs logits that the teacher was not prepared with');
  return balancedLoss(loss, train, dataset);
}

/** The loss with the weights of the classes that it needs. */
function balancedLoss(loss: LossConfig, { class_weight: weight }: TrainConfig, dataset: Dataset): Loss {
  const { task, classes, unlabelled } = dataset.info;
  if (task.type !== 'classification') {
    if (unlabelled !== undefined)
      throw invalidInput(`data.unlabelled does not suit data of the task ${task.type}: it is for classes`, {
        hint: 'Leave it out.',
      });
    if (task.type !== 'segmentation' || weight === undefined) return { ...loss, task: task.type };
    const weights = classWeights(weight, classes, pixelsPerClass(dataset, 'train'), byPixels);
    return { ...loss, classWeights: weights, task: task.type };
  }
  const balanced = weight !== undefined && {
    classWeights: classWeights(weight, classes, imagesPerClass(dataset.split('train').labels, classes.length)),
  };
  if (unlabelled === undefined || loss.type === 'cross-entropy') return { ...loss, ...balanced };
  return { ...loss, ...balanced, unlabelled: true };
}

/**
 * Hash of what is trained (`what`) and of everything in a plan that determines the result.
 * @param data hash of the images, labels and splits (`Dataset.hashAt`)
 */
export function trainingHash(
  what: readonly unknown[],
  { train, loss, teacher, seed, estimateStatistics }: TrainingPlan,
  data: string,
): string {
  const taught = loss.type === 'cross-entropy' ? null : teacher?.logits?.key;
  // A key with its default value hashes as an absent key.
  const schedule = train.schedule === 'cosine' ? undefined : train.schedule;
  const stem = train.stem === 'trained' ? undefined : train.stem;
  const class_sampling = train.class_sampling === 'natural' ? undefined : train.class_sampling;
  const statistics = estimateStatistics === undefined ? undefined : 'estimated';
  // The effects of `recipe` and `steps` are in other keys, or in `what`.
  const unused = { recipe: undefined, steps: undefined, checkpoint_seconds: 0 };
  const config = { ...train, ...unused, schedule, stem, class_sampling, statistics, loss };
  // Earlier versions hashed a seed of the views, too. It was the same: their checkpoints stay valid.
  return contentHash(...what, seed, config, data, taught, seed);
}
