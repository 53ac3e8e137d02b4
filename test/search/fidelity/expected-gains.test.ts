import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedGains, type PartialTrial } from '../../../search/fidelity/freeze-thaw.js';
import type { Objective } from '../../../search/index.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'macs', direction: 'minimize', cost: 'cheap' },
];

const candidate = (mean: number, macs: number, deviation = 0.01): PartialTrial => ({
  values: { accuracy: NaN, macs },
  expected: { accuracy: { mean, deviation } },
});

describe('the gain of training on', () => {
  const whole = [
    { accuracy: 0.7, macs: 10 },
    { accuracy: 0.8, macs: 20 },
  ];

  test('is a share of the hypervolume, and grows with expected values and with savings', () => {
    const candidates = [candidate(0.75, 15), candidate(0.76, 15), candidate(0.75, 14), candidate(0.6, 25)];
    const [plain, better, smaller, dominated] = expectedGains(objectives, { whole, going: [], candidates });
    expect(better).toBeGreaterThan(plain);
    expect(smaller).toBeGreaterThan(plain);
    expect(dominated).toBe(0);
    expect(better).toBeLessThan(1);
  });

  test('is greater for the less certain of two dominated trials', () => {
    const [sure, unsure] = expectedGains(objectives, {
      whole,
      going: [],
      candidates: [candidate(0.69, 15, 0.01), candidate(0.69, 15, 0.05)],
    });
    expect(unsure).toBeGreaterThan(sure);
  });

  test('vanishes next to a running trial with the same expectation', () => {
    const candidates = [candidate(0.75, 15, 1e-7)];
    const [alone] = expectedGains(objectives, { whole, going: [], candidates });
    const [second] = expectedGains(objectives, { whole, going: [candidate(0.75, 15)], candidates });
    expect(alone).toBeGreaterThan(0.01);
    expect(second).toBeLessThan(1e-4 * alone);
  });

  test('is a number, whatever the numbers', () => {
    const value = fc.oneof(fc.constantFrom(NaN, 0, Infinity), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
    const candidates = fc.array(fc.tuple(value, value), { maxLength: 5 });
    const points = fc.array(fc.record({ accuracy: value, macs: value }), { maxLength: 5 });
    fc.assert(
      fc.property(points, candidates, (known, all) => {
        const gain = expectedGains(objectives, {
          whole: known,
          going: [],
          candidates: all.map(([mean, macs]) => candidate(mean, macs)),
        });
        expect(gain).toHaveLength(all.length);
        for (const one of gain) expect(one).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
