import { join } from 'node:path';
import { expect } from 'vitest';
import {
  fitSupernet,
  supernetConfig,
  supernetSchema,
  type CompleteFit,
  type FitHooks,
  type MemberJob,
  type SupernetConfig,
  type SupernetJob,
} from '../../../trainers/index.js';
import { auto, quiet, tinyTrain, type Workbench, completed } from '../support/tiny-training.js';
import { task, tiniestSpace } from './spaces.js';

export const configOf = (own: Partial<SupernetConfig> = {}): SupernetConfig => ({
  ...supernetConfig(tinyTrain, supernetSchema.parse({ epochs: 2, hold: 4 })),
  ...own,
});

/** Two epochs of six steps: random members change after steps 2, 4, 6, ... in turn. */
export const supernetJob = (bench: Workbench, name: string, own: Partial<SupernetJob> = {}): SupernetJob => ({
  space: tiniestSpace(),
  task,
  seed: 3,
  config: configOf(),
  dataset: bench.dataset,
  teacher: null,
  engine: auto,
  threads: 1,
  directory: join(bench.folder, name),
  ...own,
});

export const memberJob = (
  bench: Workbench,
  own: Pick<MemberJob, 'member' | 'weights'> & Partial<MemberJob>,
): MemberJob => ({
  dataset: bench.dataset,
  augment: tinyTrain.augment,
  batch: 16,
  calibration: 64,
  seed: 3,
  engine: auto,
  threads: 1,
  ...own,
});

export const complete = async (job: SupernetJob, hooks: FitHooks = quiet()): Promise<CompleteFit> =>
  completed(await fitSupernet(job, hooks));

const losses = ({ curve }: CompleteFit): number[] =>
  curve.flatMap((epoch) => [epoch.train_loss, epoch.validation_loss]);

/** Compares the losses of two trainings. */
export function expectAlike(actual: CompleteFit, expected: CompleteFit, tolerance: number): void {
  for (const [i, loss] of losses(expected).entries())
    expect(Math.abs(losses(actual)[i] / loss - 1)).toBeLessThan(tolerance);
}
