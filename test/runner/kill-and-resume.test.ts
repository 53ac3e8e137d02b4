import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';
import { killAndCompare, killCount as count } from './kill-and-resume.js';

const directory = cachedFolder();

describe('a run that is killed', () => {
  it(`resumes ${count} times to what an uninterrupted run finds, bit for bit`, { timeout: 1_800_000 }, async () => {
    const search = '{ controller: local, trials: 3, startup: 2, parallel: 2, retries: 10 }';
    const train = '{ epochs: 2, batch: 32, augment: [flip, crop], checkpoint_seconds: 0.1 }';
    const file = writeExperiment(directory, { search, train, final: '{ epochs: 1 }' });
    const reference = await runInside(file, join(directory, 'reference'));
    const { trials } = reference.expected;
    expect(trials).toHaveLength(3);
    expect(trials.filter(({ state }) => state === 'complete').length).toBeGreaterThan(1);
    await killAndCompare(directory, file, reference, 11);
  });
});
