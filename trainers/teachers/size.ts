import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { makeDirectory, writeFileAtomic } from '../../base/files.js';
import { costs, type Network } from '../../spaces/index.js';
import { stepsPerEpoch } from '../data/batches.js';
import type { DatasetInfo } from '../data/index.js';
import { createEngine, type AnyEngine } from '../engines/index.js';
import { measuredSeconds, type TrainingSeconds } from '../pretrained/within-time.js';
import { defaultLength, type TrainConfig } from '../schema/recipe.js';

/** The width of a teacher's network, and the length of its training. Absent epochs are the usual ones. */
export interface TeacherSize {
  readonly width: number;
  readonly epochs?: number | undefined;
}

/** Widths that a time may choose. */
const widths = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

/** Epochs that a network of width 1 needs where images are many, and the steps where they are few. */
const needed = { epochs: 8, steps: Math.round((defaultLength.steps * 8) / defaultLength.epochs) };

/** So many times the epochs that a network needs bring little more. */
const mostEpochs = 3;

/**
 * The widest network that has time for the epochs that it needs, which grow with its width: the accurate sizes of airbench (Jordan
 * 2024) have 1.7 times the width and the epochs for 4.8 times the work. Null where not even one epoch of the narrowest one fits.
 * @param secondsOf the parts of a training at a width
 * @param steps of an epoch
 * @param width the only one; undefined: any
 */
export function sizeWithin(
  seconds: number,
  secondsOf: (width: number) => TrainingSeconds,
  { steps, width: only }: { readonly steps: number; readonly width?: number | undefined },
): Required<TeacherSize> | null {
  const least = Math.max(needed.epochs, Math.ceil(needed.steps / steps));
  const sizes = (only === undefined ? [...widths] : [only]).map((width) => {
    const { step, validation } = secondsOf(width);
    return { width, fitting: Math.floor(seconds / (steps * step + validation)), own: Math.ceil(least * width) };
  });
  const { width, fitting, own } = sizes.findLast((size) => size.fitting >= size.own) ?? sizes[0];
  return fitting < 1 ? null : { width, epochs: Math.min(fitting, mostEpochs * own) };
}

/** A teacher to be trained within some time. */
export interface TimedTeacher {
  readonly minutes: number;
  readonly width?: number | undefined;
  readonly networkOf: (width: number) => Network;
  readonly train: TrainConfig;
  readonly info: Pick<DatasetInfo, 'counts' | 'task'>;
  readonly seed: number;
  /** The folder of its training, which keeps the size. */
  readonly directory: string;
}

const sizeSchema = z.object({ width: z.number(), epochs: z.number() });

/**
 * The size of a teacher that is trained within some time: a step at one width is timed here, and steps at others take time by their
 * multiply-accumulates. A training that was interrupted keeps its size.
 * @throws NasError `invalid-input` where time is too short for one epoch
 */
export async function sizeFor(
  { minutes, width, networkOf, train, info: { counts, task }, seed, directory }: TimedTeacher,
  { engine: config, threads }: { readonly engine: AnyEngine; readonly threads: number },
): Promise<Required<TeacherSize>> {
  const file = join(directory, 'size.json');
  if (existsSync(file)) return sizeSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const { optimizer, ema, batch } = train;
  const timed = networkOf(width ?? 1);
  const loss = { type: 'cross-entropy', label_smoothing: 0, task: task.type } as const;
  const engine = await createEngine(config, () => ({ network: timed, seed, loss, optimizer, ema }), {
    threads,
    batch,
  });
  let seconds: TrainingSeconds;
  try {
    seconds = await measuredSeconds(engine, { ...timed, batch }, counts.validation);
  } finally {
    await engine.dispose();
  }
  const steps = stepsPerEpoch(counts.train, { batch, dropLast: true, share: 1 });
  const { macs } = costs(timed);
  const secondsOf = (at: number): TrainingSeconds => {
    const share = costs(networkOf(at)).macs / macs;
    return { step: share * seconds.step, validation: share * seconds.validation };
  };
  const size = sizeWithin(60 * minutes, secondsOf, { steps, width });
  if (size === null) {
    const { step, validation } = secondsOf(width ?? widths[0]);
    throw invalidInput(
      `teacher.minutes: ${minutes} is too short: an epoch of its smallest network takes ${((steps * step + validation) / 60).toPrecision(2)} minutes here`,
      { hint: 'Give it more minutes, or leave them out and set teacher.epochs and teacher.width.' },
    );
  }
  makeDirectory(directory);
  writeFileAtomic(file, JSON.stringify(size));
  return size;
}
