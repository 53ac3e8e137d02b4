import { foreignMaps, resizedFile, type ForeignMaps } from '../../compiler/index.js';
import { newHeadStrides } from '../../spaces/index.js';
import { withDataset, type DatasetRef, type Size } from '../data/index.js';
import { createEngine, type AnyEngine } from '../engines/index.js';
import type { FitHooks, FitResult } from '../jobs.js';
import type { TrainConfig } from '../schema/recipe.js';
import { fromTrained } from '../training/fine-tuning.js';
import { checkedLoss, outputRate, trainingHash, trainResumably } from '../training/fit.js';
import type { TrainingPlan } from '../training/training-loop.js';
import type { ForeignDetector } from './foreign-detector.js';

/**
 * The maps of a classifier's file that a new detection head reads, for images of this size.
 * @throws NasError `invalid-input` where it takes no images of this size, or makes no such maps
 */
export const mapsForHead = (
  bytes: Uint8Array,
  size: Size,
  where: string,
): ForeignMaps<(typeof newHeadStrides)[number]> =>
  foreignMaps(resizedFile(bytes, size, where), newHeadStrides, { where });

/** The training of a detector on the maps of a file. */
export interface DetectorJob {
  readonly detector: ForeignDetector;
  /** Hash of the file, of its normalisation, and of the head. */
  readonly hash: string;
  readonly train: TrainConfig;
  readonly dataset: DatasetRef;
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** The folder of this training: a checkpoint while it runs. */
  readonly directory: string;
}

/** Trains all weights of a detector on the maps of a file. Continues an interrupted training. */
export const fitForeignDetector = (job: DetectorJob, hooks: FitHooks): Promise<FitResult> =>
  withDataset(job.dataset, (dataset) => {
    const { detector, seed, engine: kind, threads, directory } = job;
    const { input, head, classes, sensitive } = detector;
    const [height, width, channels] = input;
    const train = fromTrained(job.train);
    const loss = checkedLoss({ classes, channels }, train, null, dataset);
    const { optimizer, ema } = train;
    const rates = new Map(sensitive.map((name) => [name, outputRate]));
    const spec = () => ({ network: detector, seed, loss, optimizer, ema, rates });
    const engine = () => createEngine(kind, spec, { threads, batch: train.batch });
    const size = [height, width] as const;
    const plan: TrainingPlan = { train, loss, teacher: null, seed, size, stride: head.stride, until: undefined };
    const hash = trainingHash(['detector on a file', job.hash], plan, dataset.hashAt([size]));
    return trainResumably({ plan, directory, hash, engine }, dataset, hooks);
  });
