import { withDataset, type Dataset } from './data/index.js';
import { createEngine, type ProgramSpec } from './engines/index.js';
import type { FitHooks, FitJob, FitResult } from './fit-job.js';
import { initialHash, readInitial } from './initial-weights.js';
import { featureWeights } from './losses/index.js';
import { activationRanges } from './quantize-aware/index.js';
import { loadTeacherModel } from './teachers/model.js';
import { checkedLoss, trainInFiles, trainingHash, type FiledTraining } from './train-in-files.js';
import type { TrainingPlan } from './training.js';

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
  return withDataset(job.dataset, (dataset) => trainInFiles(filedFit(job, dataset), dataset, hooks));
}

/** The training of a job, with an engine of the kind that the job asks for. */
export function filedFit(job: FitJob, dataset: Dataset): FiledTraining {
  const { network, seed, train, teacher, initial, quantizeAware, threads, sharedCores, directory, until } = job;
  const { classes, input } = network;
  const [height, width, channels] = input;
  const loss = checkedLoss({ classes, channels }, train, teacher, dataset.info);
  const size = [height, width] as const;
  const plan: TrainingPlan = { train, loss, teacher, seed, sizes: { training: size, evaluation: size }, until };
  const { hints, attention } = featureWeights(loss);
  const spec = async () => ({
    network,
    seed,
    ...(await beginningOf(job, dataset)),
    loss,
    optimizer: train.optimizer,
    ema: train.ema,
    precision: train.precision,
    teacher: hints > 0 || attention > 0 ? await loadTeacherModel(teacher?.model ?? null, input) : null,
  });
  const engine = () => createEngine(job.engine, spec, { threads, sharedCores, batch: train.batch });
  const rounding = quantizeAware === undefined ? [] : [quantizeAware];
  const hash = trainingHash(['fit', network, initialHash(initial), ...rounding], plan, dataset.info);
  return { plan, directory, hash, engine };
}

/** The weights that a training begins with, and what it rounds to: found anew, and the same, whenever it goes on. */
async function beginningOf(
  { network, seed, initial, quantizeAware }: FitJob,
  dataset: Dataset,
): Promise<Pick<ProgramSpec, 'initial' | 'quantization'>> {
  if (initial === undefined) {
    if (quantizeAware === undefined) return {};
    throw new Error('a fine-tuning with rounding was ordered without trained weights');
  }
  const weights = readInitial(network, seed, initial);
  if (quantizeAware === undefined) return { initial: weights };
  const { weightBits, ...options } = quantizeAware;
  const ranges = await activationRanges({ network, weights }, dataset, options);
  return { initial: weights, quantization: { weightBits, ranges } };
}
