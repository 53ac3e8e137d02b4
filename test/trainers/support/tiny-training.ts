import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineChoice, EngineConfig, FitHooks, FitJob } from '../../../trainers/index.js';
import {
  engineSchema,
  prepareDataset,
  renderingOf,
  trainSchema,
  type DatasetRef,
  type TrainConfig,
} from '../../../trainers/index.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { tiniestStudent } from './networks.js';

/** A temporary folder with a data set of 96 training and 24 validation images of 10 x 10, and in further sizes. */
export interface Workbench {
  readonly folder: string;
  readonly dataset: DatasetRef;
  close(): void;
}

export async function openWorkbench(sides: readonly number[] = []): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-training-'));
  const data = makeTinyDataset(join(folder, 'source'), { size: 10, train: 12, test: 2 });
  const renderings = sides.map((side) => ({ ...renderingOf(data), size: [side, side] as const }));
  const dataset = await prepareDataset(data, { cache: join(folder, 'cache'), renderings });
  return { folder, dataset, close: () => rmSync(folder, { recursive: true, force: true }) };
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
  views: 2,
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
