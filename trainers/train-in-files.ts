import { rmSync } from 'node:fs';
import { DeviceFailure, invalidInput } from '../base/errors.js';
import { canonicalJson, contentHash } from '../base/hash.js';
import { TrainingFiles } from './checkpoint.js';
import type { Dataset, DatasetInfo } from './data/index.js';
import type { TrainingEngine } from './engines/index.js';
import type { FitHooks, FitResult } from './fit-job.js';
import { lossFor } from './losses/index.js';
import type { LossConfig, TrainConfig } from './schema.js';
import type { PreparedTeacher } from './teachers/prepared.js';
import { CorruptFile } from './tensor-file.js';
import { completeFit, Training, viewSeedOf, type TrainingPlan } from './training.js';

/** Where a training keeps what is needed to continue, and what it is a training of. */
export interface FiledTraining {
  readonly plan: TrainingPlan;
  readonly directory: string;
  /** Hash of everything that decides the result, bits included, but machine, threads and engine. */
  readonly hash: string;
  /** Asked only when something is left to train. */
  readonly engine: () => Promise<TrainingEngine>;
}

/** Continues from the checkpoint if there is one, and trains to the end; gives a finished result at once. */
export async function trainInFiles(
  { plan, directory, hash, engine: open }: FiledTraining,
  dataset: Dataset,
  hooks: FitHooks,
): Promise<FitResult> {
  const files = new TrainingFiles(directory, hash);
  const finished = forgiving(hooks, () => files.readFinishedCurve());
  if (finished !== null) {
    rmSync(files.checkpoint, { force: true });
    hooks.onStart?.({ epoch: plan.train.epochs, step: 0 });
    return completeFit(finished, files);
  }
  const checkpoint = forgiving(hooks, () => files.readCheckpoint());
  try {
    const engine = await open();
    const training = await Training.start(plan, hooks, files, engine, dataset, checkpoint);
    try {
      return await training.run();
    } finally {
      await training.close();
    }
  } catch (error) {
    throw error instanceof DeviceFailure ? advised(error, plan.train.batch) : error;
  }
}

/** The failure of a device, with what can be done about it where batches have this many images. */
function advised({ kind, message, cause }: DeviceFailure, batch: number): DeviceFailure {
  const smaller =
    batch > 1
      ? `Set a smaller train.batch: ${Math.floor(batch / 2)} instead of ${batch}.`
      : 'Train smaller networks or images: a batch has one image already.';
  const hint = {
    memory: smaller,
    lost: `The training goes on from its checkpoint in a new process. Steps that take long make some drivers reset the device. ${smaller}`,
  }[kind];
  return new DeviceFailure(kind, message, { hint, cause });
}

/** A damaged file costs the time to train again, nothing else. */
function forgiving<T>(hooks: FitHooks, read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    hooks.onNote?.(`${error.message}; this training starts over from its beginning`);
    return null;
  }
}

/**
 * The loss to train with, once everything is known to fit together.
 * @throws NasError `invalid-input` when it does not
 */
export function checkedLoss(
  { classes, channels }: { readonly classes: number; readonly channels: number },
  train: TrainConfig,
  teacher: PreparedTeacher | null,
  info: DatasetInfo,
): LossConfig {
  const loss = lossFor(train.loss, teacher?.type ?? 'none');
  if (classes !== info.classes.length)
    throw invalidInput(`the network has ${classes} classes, the data ${info.classes.length}`);
  if (channels !== info.channels)
    throw invalidInput(`the network takes ${channels} channels, the images have ${info.channels}`);
  if (train.batch > info.counts.train)
    throw invalidInput(`a batch of ${train.batch} images is more than the ${info.counts.train} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
  if (loss.type !== 'cross-entropy') {
    const logits = teacher?.logits ?? null;
    if (logits === null) throw new Error('the loss needs logits that the teacher was not prepared with');
    if (canonicalJson(logits.augment) !== canonicalJson(train.augment))
      throw new Error("the teacher's logits belong to views of another augmentation");
  }
  return loss;
}

/** Hash of what is trained (`what`) and of everything in a plan that decides the result. */
export function trainingHash(
  what: readonly unknown[],
  { train, loss, teacher, seed }: TrainingPlan,
  info: DatasetInfo,
): string {
  const taught = loss.type === 'cross-entropy' ? null : [teacher?.hash, teacher?.logits?.viewSeed];
  // As it was before there was a choice.
  const precision = train.precision === 'mixed' ? train.precision : undefined;
  // What may follow a training is no part of it.
  const config = { ...train, precision, quantize_aware: undefined, loss, checkpoint_seconds: 0 };
  return contentHash(...what, seed, config, info.hash, taught, viewSeedOf({ teacher, seed }));
}
