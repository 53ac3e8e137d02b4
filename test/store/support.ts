import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { NasError } from '../../base/errors.js';
import { Store, type Clock, type NewMeasurement, type NewTrial, type RunMeta, type Epoch } from '../../store/index.js';
import { temporaryFolder } from '../support/temporary.js';

/** A clock that ticks one ms at each call. */
export function tickingClock(start = 1_700_000_000_000): Clock {
  let now = start;
  return () => now++;
}

export const meta: RunMeta = {
  name: 'test',
  seed: 2 ** 53 - 1,
  source: 'name: test # ünïcode\n',
  experiment: { name: 'test', search: { trials: 3 }, final: null },
  written: { name: 'test' },
  threads: 2,
  version: '0.1.0',
  environment: { cpu: 'a processor' },
};

export function newStore(path = join(temporaryFolder(), 'nas.sqlite')): { store: Store; path: string } {
  const store = Store.create(path, meta, tickingClock());
  onTestFinished(() => store.close());
  return { store, path };
}

export const newTrial = (number: number, changes: Partial<NewTrial> = {}): NewTrial => ({
  number,
  genotype: [number, 1, 0],
  genotypeId: `${number}-1-0`,
  choices: { kernel: 3, se: true, act: 'relu' },
  network: { kind: 'network', width: number },
  seed: number * 7,
  reason: 'random',
  rejected: 0,
  pending: [],
  ...changes,
});

export const newMeasurement = (changes: Partial<NewMeasurement> = {}): NewMeasurement => ({
  genotypeId: '0-1-0',
  network: { kind: 'network', width: 0 },
  purpose: 'calibration',
  device: 'local',
  ms: 1.5,
  p50: 1.4,
  p95: 2,
  p99: 2.5,
  interval: [1.4, 1.6],
  converged: true,
  samples: [1.25, 1.5, Math.PI],
  environment: { threads: 1 },
  ...changes,
});

export const newEpoch = (epoch: number, changes: Partial<Epoch> = {}): Epoch => ({
  epoch,
  trainLoss: 1,
  trainAccuracy: 0.5,
  validationLoss: 1.5,
  validationAccuracy: 0.75,
  metrics: {},
  learningRate: 0.1,
  seconds: 9,
  ...changes,
});

/** The NasError that `task` throws; fails when it throws none. */
export function errorOf(task: () => unknown): NasError {
  try {
    task();
  } catch (error) {
    if (error instanceof NasError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
