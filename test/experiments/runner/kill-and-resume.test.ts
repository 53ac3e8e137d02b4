import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeExperiment } from './experiment.js';
import { runInside } from './inside.js';
import { killAndCompare, killCount as count } from './kill-and-resume.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nas-kills-'));
  vi.stubEnv('NAS_CACHE', join(directory, 'cache'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

describe('a run that is killed', () => {
  it(`resumes ${count} times to what an uninterrupted run finds, bit for bit`, { timeout: 1_800_000 }, async () => {
    const file = writeExperiment(directory);
    const reference = await runInside(file, join(directory, 'reference'));
    const { trials } = reference.expected;
    expect(trials).toHaveLength(6);
    expect(trials.filter(({ state }) => state === 'complete').length).toBeGreaterThan(3);
    await killAndCompare(directory, file, reference, 11);
  });

  it(`does so with trials that stop and go on`, { timeout: 1_800_000 }, async () => {
    const file = writeExperiment(directory, {
      name: 'rungs',
      teacher: null,
      search:
        '{ controller: nsga2, trials: 7, population: 3, parallel: 2, retries: 10, fidelity: { type: asha, eta: 2 } }',
      final: null,
    });
    const reference = await runInside(file, join(directory, 'rungs'));
    const { trials, steps, curves } = reference.expected;
    expect(trials).toHaveLength(7);
    // Of 7 results at the first rung 3 go on, of 3 at the second 1.
    expect(steps.filter(({ kind }) => kind === 'promoted')).toHaveLength(4);
    expect(curves.map(([search]) => search.length).sort()).toEqual([1, 1, 1, 1, 2, 2, 3]);
    for (const { state, message } of trials)
      expect(message).toEqual(
        state === 'complete'
          ? null
          : expect.stringMatching(/^stopped after \d of 3 epochs: rank \d of \d in its rung$/),
      );
    await killAndCompare(directory, file, reference, 12);
  });
});

it(
  'a search that freezes its trials trains on those that promise enough, and says what the others did',
  { timeout: 300_000 },
  async () => {
    const file = writeExperiment(directory, {
      name: 'frozen',
      teacher: null,
      final: null,
      train: '{ epochs: 2, batch: 32 }',
      search: '{ controller: random, trials: 6, parallel: 2, fidelity: { type: freeze-thaw, min_gain: 0.05 } }',
    });
    const { trials, steps, curves } = (await runInside(file, join(directory, 'frozen'))).expected;
    const stopped = trials.filter(({ state }) => state === 'pruned');
    expect(stopped.length).toBeGreaterThan(0);
    expect(steps.filter(({ kind }) => kind === 'promoted')).toHaveLength(trials.length - stopped.length);
    for (const { number, message, values } of stopped) {
      expect(message).toMatch(/^stopped after 1 of 2 epochs: promises .+ % of the frontier$/);
      expect(values).toHaveProperty('accuracy');
      expect(curves[number][0]).toHaveLength(1);
    }
  },
);

describe('a trial that is trained in parts', () => {
  it('is the same as one that is trained at once, bit for bit', { timeout: 300_000 }, async () => {
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
