import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';
import { killAndCompare, killCount as count } from './kill-and-resume.js';

const directory = cachedFolder();

describe('a run that is killed', () => {
  it(`resumes ${count} times to what an uninterrupted run finds, bit for bit`, { timeout: 1_800_000 }, async () => {
    const search = '{ controller: nsga2, trials: 3, population: 2, parallel: 2, retries: 10 }';
    const train = '{ epochs: 2, batch: 32, augment: [flip, crop], checkpoint_seconds: 0.1 }';
    const file = writeExperiment(directory, { search, train, final: '{ epochs: 1 }' });
    const reference = await runInside(file, join(directory, 'reference'));
    const { trials } = reference.expected;
    expect(trials).toHaveLength(3);
    expect(trials.filter(({ state }) => state === 'complete').length).toBeGreaterThan(1);
    await killAndCompare(directory, file, reference, 11);
  });
});

describe('a search whose trials stop early', { timeout: 300_000 }, () => {
  it('trains a trial in parts as it would at once, bit for bit', async () => {
    const plain = { teacher: null, final: null };
    const search = (more: string) => `{ controller: random, trials: 4, ${more} }`;
    const [parts, whole] = [
      writeExperiment(directory, { ...plain, name: 'parts', search: search('fidelity: { type: halving, eta: 2 }') }),
      writeExperiment(directory, { ...plain, name: 'whole', search: search('parallel: 2') }),
    ];
    const [halved, straight] = [
      (await runInside(parts, join(directory, 'parts'))).expected,
      (await runInside(whole, join(directory, 'whole'))).expected,
    ];
    expect(halved.steps.filter(({ kind }) => kind === 'promoted')).toHaveLength(3);
    const complete = halved.trials.flatMap(({ state, number }) => (state === 'complete' ? [number] : []));
    expect(complete).toHaveLength(1);
    for (const [number, [curve]] of halved.curves.entries())
      expect(curve).toEqual(straight.curves[number][0].slice(0, curve.length));
    for (const number of complete) expect(halved.weights[number]).toEqual(straight.weights[number]);
  });
});
