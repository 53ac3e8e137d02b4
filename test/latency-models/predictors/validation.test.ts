import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { adaptModel, fitLatencyModel, fittedTrials, validateModel } from '../../../latency-models/index.js';
import { fashionSpace, observe } from '../contract.js';

describe('adaptModel', () => {
  it('has no model without measurements', () => {
    expect(adaptModel([], [])).toBeNull();
  });

  it('refits to calibration and trials, reproducibly', async () => {
    const space = await fashionSpace();
    const calibration = observe(space, 12, new Random(1));
    const trials = observe(space, 10, new Random(2));
    const supervised = adaptModel(calibration, trials);
    expect(supervised?.state).toBe('sound');
    expect(JSON.stringify(supervised?.model)).toBe(JSON.stringify(fitLatencyModel([...calibration, ...trials])));
    expect(JSON.stringify(adaptModel(calibration, trials))).toBe(JSON.stringify(supervised));
  });

  it('corrects the calibration of a device that has become slower', async () => {
    const space = await fashionSpace();
    const calibration = observe(space, 15, new Random(3));
    const slower = (seed: number, count: number) =>
      observe(space, count, new Random(seed)).map(({ network, ms }) => ({ network, ms: 1.3 * ms }));
    const supervised = adaptModel(calibration, slower(4, 6));
    if (supervised?.state !== 'corrected') throw new Error('not corrected');
    expect(supervised.factor).toBeCloseTo(1.3, 1);
    expect(validateModel(supervised.model, slower(5, 40)).mape).toBeLessThan(6);
  });

  it('scales a given model when trials agree that it is off', async () => {
    const space = await fashionSpace();
    const given = fitLatencyModel(observe(space, 20, new Random(6)));
    const [first, ...others] = observe(space, 8, new Random(7));
    expect(adaptModel([], [first], given)).toEqual({ state: 'sound', model: given });
    const faster = [first, ...others].map(({ network, ms }) => ({ network, ms: 0.5 * ms }));
    const supervised = adaptModel([], faster, given);
    expect(supervised?.state).toBe('corrected');
    expect((supervised?.model?.predict(first.network).ms ?? NaN) / given.predict(first.network).ms).toBeCloseTo(0.5, 1);
  });

  it('drops a model with useless predictions', async () => {
    const space = await fashionSpace();
    const random = new Random(8);
    const trials = observe(space, 8, random).map((trial) => ({
      ...trial,
      predictedMs: trial.ms * (random.int(2) === 0 ? 4 : 0.2),
    }));
    expect(adaptModel(observe(space, 12, random), trials)).toMatchObject({ state: 'dropped', model: null, count: 8 });
  });
});

describe('fittedTrials', () => {
  const trials = (count: number, ratio = 1) =>
    Array.from({ length: count }, (_, i) => ({
      ms: (1 + i) * ratio * (i % 2 === 0 ? 1.01 : 0.99),
      predictedMs: 1 + i,
    }));

  it('fits again when there are a fifth more trials, and at least every hundred', () => {
    const counts = Array.from({ length: 1001 }, (_, count) => fittedTrials(trials(count)));
    const fits = [...new Set(counts)];
    expect(fits.slice(0, 14)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16]);
    expect(fits.every((count) => counts[count] === count)).toBe(true);
    expect(Math.max(...fits.slice(1).map((count, i) => count - fits[i]))).toBe(100);
  });

  it('fits again sooner when the latest predictions mislead', () => {
    expect(fittedTrials(trials(600))).toBe(537);
    expect(fittedTrials([...trials(576), ...trials(24, 1.2)])).toBe(600);
    expect(fittedTrials([...trials(576), ...trials(30, 1.2)])).toBe(600);
    expect(fittedTrials([...trials(576), ...trials(12, 1.2), ...trials(40)])).toBe(588);
  });
});
