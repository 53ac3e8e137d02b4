import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import {
  engineSchema,
  fit,
  readTensorFile,
  prepareDataset,
  renderingOf,
  trainSchema,
  type CompleteFit,
  type DatasetRef,
  type EngineChoice,
  type EngineConfig,
  type FitHooks,
  type FitJob,
  type FitResult,
  type TrainConfig,
} from '../../../trainers/index.js';
import { sharedFolder, temporaryFolder } from '../../support/temporary.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { tiniestStudent } from './networks.js';

/** A folder with a data set of 96 training and 24 validation images of 10 x 10. */
export interface Workbench {
  readonly folder: string;
  readonly dataset: DatasetRef;
}

/** @param sides further sizes of the images */
export async function openWorkbench(sides: readonly number[] = [], folder = temporaryFolder()): Promise<Workbench> {
  const data = makeTinyDataset(join(folder, 'source'), { size: 10, train: 12, test: 2 });
  const renderings = sides.map((side) => ({ ...renderingOf(data), size: [side, side] as const }));
  return { folder, dataset: await prepareDataset(data, { cache: join(folder, 'cache'), renderings }) };
}

/** The workbench of a file or group of tests. */
export function sharedWorkbench(sides: readonly number[] = []): Workbench {
  const folder = sharedFolder();
  let bench: Workbench | undefined;
  beforeAll(async () => {
    bench = await openWorkbench(sides, folder);
  });
  return {
    folder,
    get dataset() {
      return (bench ?? expect.fail('the workbench is made before the first test')).dataset;
    },
  };
}

/** As of runs with `engine: auto`. It opens in a fifth of the time that the compiled engine takes. */
export const auto: EngineChoice = { type: 'native', isa: null, orCompiled: true };
export const compiled: EngineConfig = engineSchema.parse({ type: 'compiled' });

/** Two epochs of six steps with every kind of state: momentum, average, dropout, alternating views; images drawn by class. */
export const tinyTrain: TrainConfig = trainSchema.parse({
  epochs: 2,
  batch: 16,
  optimizer: { type: 'sgd', learning_rate: 0.05 },
  augment: ['flip', { type: 'crop', pixels: 1 }],
  class_sampling: 'balanced',
  class_weight: { Trouser: 2 },
  ema: 0.9,
  checkpoint_seconds: 1000,
});

export const tinyJob = (bench: Workbench, name: string, overrides: Partial<FitJob> = {}): FitJob => ({
  network: tiniestStudent,
  seed: 3,
  train: tinyTrain,
  dataset: bench.dataset,
  teacher: null,
  engine: auto,
  threads: 1,
  directory: join(bench.folder, name),
  ...overrides,
});

export const quiet = (overrides: Partial<FitHooks> = {}): FitHooks => ({
  onEpoch: () => undefined,
  onProgress: () => undefined,
  pause: () => undefined,
  signal: new AbortController().signal,
  ...overrides,
});

/** A training up to its end. */
export const complete = async (job: FitJob, hooks: FitHooks = quiet()): Promise<CompleteFit> =>
  completed(await fit(job, hooks));

export const completed = (result: FitResult): CompleteFit =>
  result.state === 'complete' ? result : expect.fail(`the training is ${result.state}`);

/** What is the same, bit for bit, in trainings that are the same: all but their times. */
export const outcomeOf = ({ curve, weights }: CompleteFit) => ({
  curve: curve.map((metrics) => ({ ...metrics, seconds: 0 })),
  weights: [...readTensorFile(weights).tensors],
});

/** Does something at a pause: there is one before each step, and each batch of a validation. */
export function before(moment: number, act: () => void): Pick<FitHooks, 'pause'> {
  let count = 0;
  return {
    pause: () => {
      if (count++ === moment) act();
    },
  };
}

/** Hooks that interrupt a training at a pause. */
export function stopping(moment: number): FitHooks {
  const controller = new AbortController();
  return quiet({ ...before(moment, () => controller.abort()), signal: controller.signal });
}

/** A sudden death of the process. */
export class Died extends Error {}
export const die = (): never => {
  throw new Died();
};
