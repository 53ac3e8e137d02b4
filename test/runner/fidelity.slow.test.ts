import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';

const directory = cachedFolder();

describe('a search whose trials stop early', { timeout: 300_000 }, () => {
  it('trains a trial in parts as it would at once, bit for bit', async () => {
    const plain = { teacher: null, final: null };
    const search = (more: string) => `{ controller: random, trials: 4, ${more} }`;
    const [parts, whole] = [
      writeExperiment(directory, {
        ...plain,
        name: 'parts',
        search: search('fidelity: { type: freeze-thaw, min_gain: 0.1 }'),
      }),
      writeExperiment(directory, { ...plain, name: 'whole', search: search('parallel: 2') }),
    ];
    const [halved, straight] = [
      (await runInside(parts, join(directory, 'parts'))).expected,
      (await runInside(whole, join(directory, 'whole'))).expected,
    ];
    expect(halved.steps.some(({ kind }) => kind === 'promoted')).toBe(true);
    const complete = halved.trials.flatMap(({ state, number }) => (state === 'complete' ? [number] : []));
    expect(complete.length).toBeGreaterThan(0);
    expect(complete.length).toBeLessThan(4);
    for (const [number, [curve]] of halved.curves.entries())
      expect(curve).toEqual(straight.curves[number][0].slice(0, curve.length));
    for (const number of complete) expect(halved.weights[number]).toEqual(straight.weights[number]);
  });

  it('freezes trials that promise too little, with their values', async () => {
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
  });

  it('also stops trials that inherit from a supernet', async () => {
    const file = writeExperiment(directory, {
      name: 'inherited',
      teacher: null,
      supernet: '{ epochs: 2, networks: 1, hold: 4, calibration: 64 }',
      train: '{ epochs: 2, batch: 32 }',
      search: '{ controller: random, trials: 3, parallel: 2, fidelity: { type: freeze-thaw, min_gain: 0.9 } }',
      final: null,
    });
    const { trials, steps } = (await runInside(file, join(directory, 'inherited'))).expected;
    expect(steps.some(({ kind }) => kind === 'promoted')).toBe(true);
    const stopped = trials.filter(({ state }) => state === 'pruned');
    expect(stopped.length).toBeGreaterThan(0);
    for (const { values } of stopped) expect(values).toHaveProperty('inherited_accuracy');
  });
});
