import { join } from 'node:path';
import { describe, it } from 'vitest';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';
import { killAndCompare, killCount } from './kill-and-resume.js';

const directory = cachedFolder();

const search = (more: string) => `{ controller: local, startup: 3, parallel: 2, retries: 10, ${more} }`;

/** Experiments without a teacher; each covers another part of a run. `kills` is the seed of its kills. */
const experiments = [
  { kills: 12, name: 'rungs', search: search('trials: 5, fidelity: { type: freeze-thaw, eta: 2 }'), final: null },
  {
    kills: 22,
    name: 'supernet',
    supernet: '{ epochs: 2, networks: 1, hold: 4, calibration: 64 }',
    train: '{ epochs: 1, batch: 32, augment: [flip, crop], checkpoint_seconds: 0.1 }',
    search: '{ controller: random, trials: 3, parallel: 2, retries: 10 }',
    final: '{ epochs: 1 }',
  },
  {
    kills: 5,
    name: 'constraint',
    train: '{ epochs: 2, batch: 32, checkpoint_seconds: 0.1 }',
    objectives: '[accuracy, { name: macs, constraint: { max: 1500000 } }]',
    search: search('trials: 5, enqueue: [mobilenet-x0.25]'),
    final: null,
  },
  {
    kills: 31,
    name: 'int8',
    train: '{ epochs: 2, batch: 32, checkpoint_seconds: 0.1 }',
    objectives: '[accuracy, size_bytes]',
    search: '{ controller: random, trials: 3, parallel: 2, retries: 10 }',
    final: null,
    compress: '{ calibration: { images: 32 }, int8: auto, max_accuracy_drop: 0.02 }',
  },
] as const;

describe.each(experiments)('a run with $name', ({ kills, ...changes }) => {
  it(`is the same after ${killCount} kills, bit for bit`, { timeout: 1_800_000 }, async () => {
    const file = writeExperiment(directory, { teacher: null, ...changes });
    const reference = await runInside(file, join(directory, changes.name));
    await killAndCompare(directory, file, reference, kills);
  });
});
