import { rmSync } from 'node:fs';
import { invalidInput } from '../base/errors.js';
import { canonicalJson, contentHash } from '../base/hash.js';
import { TrainingFiles } from './checkpoint.js';
import { withDataset, type Dataset, type DatasetInfo } from './data/index.js';
import type { FitHooks, FitJob, FitResult } from './fit-job.js';
import { initialHash } from './initial-weights.js';
import { lossFor } from './losses/index.js';
import type { LossConfig } from './schema.js';
import { CorruptFile } from './tensor-file.js';
import { completeFit, Training, viewSeedOf } from './training.js';

/**
 * Trains one network and keeps what is needed to continue in `job.directory`: a checkpoint each epoch and every
 * `train.checkpoint_seconds`. Called again after it was interrupted or killed, it continues from there, and the result
 * equals that of an uninterrupted run bit for bit (`seconds` apart) on the same machine with the same threads. Called
 * again after it was complete, it gives the same result at once. A training that pauses (`job.until`) goes on from its
 * checkpoint in the same way: in however many parts it is done, its result is that of one.
 *
 * @throws NasError `failure` when the loss is no longer a number; `invalid-input` when network, data, teacher and
 *   configuration do not fit together or the engine does not work here
 */
export async function fit(job: FitJob, hooks: FitHooks): Promise<FitResult> {
  return withDataset(job.dataset, (dataset) => fitOn(dataset, job, hooks));
}

async function fitOn(dataset: Dataset, job: FitJob, hooks: FitHooks): Promise<FitResult> {
  const { info } = dataset;
  const loss = checkJob(job, info);
  const files = new TrainingFiles(job.directory, jobHash(job, info, loss));
  const finished = forgiving(hooks, () => files.readFinishedCurve());
  if (finished !== null) {
    rmSync(files.checkpoint, { force: true });
    hooks.onStart?.({ epoch: job.train.epochs, step: 0 });
    return completeFit(finished, files);
  }
  const checkpoint = forgiving(hooks, () => files.readCheckpoint());
  const training = await Training.start({ dataset, job, loss, files, checkpoint }, hooks);
  try {
    return await training.run();
  } finally {
    await training.close();
  }
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

/** The loss to train with, once everything is known to fit together. */
function checkJob({ network, train, teacher }: FitJob, info: DatasetInfo): LossConfig {
  const loss = lossFor(train.loss, teacher?.type ?? 'none');
  if (network.classes !== info.classes.length)
    throw invalidInput(`the network has ${network.classes} classes, the data ${info.classes.length}`);
  if (network.input[2] !== info.channels)
    throw invalidInput(`the network takes ${network.input[2]} channels, the images have ${info.channels}`);
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

/** Everything that decides the result, bits included, but machine, threads and engine. */
function jobHash({ network, seed, train, teacher, initial }: FitJob, info: DatasetInfo, loss: LossConfig): string {
  const taught = loss.type === 'cross-entropy' ? null : [teacher?.hash, teacher?.logits?.viewSeed];
  return contentHash(
    'fit',
    network,
    seed,
    { ...train, loss, checkpoint_seconds: 0 },
    info.hash,
    taught,
    viewSeedOf({ teacher, seed }),
    initialHash(initial),
  );
}
