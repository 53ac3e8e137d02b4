import { existsSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/files.js';
import { stepsPerEpoch } from '../data/batches.js';
import type { DatasetInfo } from '../data/index.js';
import type { TrainingEngine } from '../engines/index.js';
import type { TrainConfig } from '../schema/recipe.js';

/** Seconds of the parts of a training. */
export interface TrainingSeconds {
  readonly step: number;
  /** The validation after an epoch. */
  readonly validation: number;
}

/** How long a training is. */
export type TrainingLength = Pick<TrainConfig, 'epochs' | 'epoch_share'>;

/** Share of a step that an evaluation of as many images takes, at most: a step also goes backward. */
const forwardShare = 1 / 2;

/** Calls of an engine that are timed. */
const timedCalls = 3;

/**
 * Times a step of an engine on images of no content, after one to warm up. The engine's state is of no use after that.
 * @param validation images of a validation
 */
export async function measuredSeconds(
  engine: TrainingEngine,
  { batch, input, classes }: { readonly batch: number; readonly input: readonly number[]; readonly classes: number },
  validation: number,
): Promise<TrainingSeconds> {
  const images = new Float32Array(batch * input.reduce((a, b) => a * b, 1));
  const labels = new Float32Array(batch * classes).map((_, i) => (i % classes === 0 ? 1 : 0));
  const update = { batch: { images, labels, teacher: null }, learningRate: 0 };
  const calls = Array.from({ length: engine.stepsAtOnce }, () => update);
  await engine.train(calls, 0);
  const start = performance.now();
  for (let i = 0; i < timedCalls; i++) await engine.train(calls, 0);
  const step = (performance.now() - start) / 1000 / timedCalls / calls.length;
  return { step, validation: (forwardShare * step * validation) / batch };
}

/** Fewer steps than these teach nothing. */
const fewestSteps = 10;

/**
 * The longest training, up to the wanted epochs, that ends within some seconds. Where not even two epochs fit, two parts of one are
 * trained. Null where time is too short for any training.
 * @param steps of an epoch over all images
 */
export function lengthWithin(
  seconds: number,
  { step, validation }: TrainingSeconds,
  { steps, epochs }: { readonly steps: number; readonly epochs: number },
): TrainingLength | null {
  const fitting = Math.floor(seconds / (steps * step + validation));
  if (fitting >= Math.min(2, epochs)) return { epochs: Math.min(epochs, fitting), epoch_share: 1 };
  const share = (seconds / 2 - validation) / (steps * step);
  return 2 * share * steps < fewestSteps ? null : { epochs: 2, epoch_share: Math.min(1, share) };
}

/** A training that has to end in time. */
export interface TimedTraining {
  readonly minutes: number;
  readonly train: Pick<TrainConfig, 'epochs' | 'batch'>;
  readonly network: { readonly input: readonly number[]; readonly classes: number };
  readonly counts: DatasetInfo['counts'];
  /** Where an interrupted training keeps its length. */
  readonly file: string;
  /** Seconds since the work began. */
  readonly elapsed: () => number;
}

/** Share of the time that is planned: steps also load images, and a machine may do other work. */
const plannedShare = 0.95;

const lengthSchema = z.object({ epochs: z.number(), epoch_share: z.number() }).nullable();

/**
 * How long a fine-tuning is that ends in time, by the time of a step here; null where there is no time for one. An interrupted one
 * keeps its length.
 */
export async function lengthFor(
  { minutes, train, network, counts, file, elapsed }: TimedTraining,
  open: () => Promise<TrainingEngine>,
): Promise<TrainingLength | null> {
  if (existsSync(file)) return lengthSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const engine = await open();
  let seconds: TrainingSeconds;
  try {
    seconds = await measuredSeconds(engine, { ...network, batch: train.batch }, counts.validation);
  } finally {
    await engine.dispose();
  }
  // The file is tested at the end.
  const ending = (seconds.validation * counts.test) / Math.max(1, counts.validation);
  const steps = stepsPerEpoch(counts.train, { batch: train.batch, dropLast: true, share: 1 });
  const length = lengthWithin(plannedShare * (60 * minutes - elapsed()) - ending, seconds, {
    steps,
    epochs: train.epochs,
  });
  writeFileAtomic(file, JSON.stringify(length));
  return length;
}
