import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { regress, type Prior } from '../../../search/fidelity/learning-curves.js';

const prior: Prior = {
  coefficients: [
    { mean: 1, deviation: 2 },
    { mean: -0.5, deviation: 0.5 },
  ],
  noise: 0.3,
};

describe('Bayesian linear regression', () => {
  test('says without samples what is believed beforehand', () => {
    const expected = regress([], prior)([1, 2]);
    expect(expected.mean).toBeCloseTo(1 - 0.5 * 2, 12);
    expect(expected.deviation).toBeCloseTo(Math.hypot(0.3, 2, 0.5 * 2), 12);
  });

  test('comes to the line that many samples lie on, and to their noise', () => {
    const random = new Random(1, 'samples');
    const samples = Array.from({ length: 2000 }, () => {
      const x = random.normal();
      return { features: [1, x], target: 3 + 2 * x + 0.1 * random.normal() };
    });
    const predict = regress(samples, prior);
    expect(predict([1, 0]).mean).toBeCloseTo(3, 1);
    expect(predict([1, 1]).mean).toBeCloseTo(5, 1);
    expect(predict([1, 0]).deviation).toBeCloseTo(0.1, 2);
  });

  test('errs as much as it says: two of three within one deviation', () => {
    let within = 0;
    const worlds = 600;
    for (let seed = 0; seed < worlds; seed++) {
      const random = new Random(seed, 'world');
      const [a, b] = prior.coefficients.map(({ mean, deviation }) => mean + deviation * random.normal());
      const samples = Array.from({ length: 6 }, () => {
        const x = random.normal();
        return { features: [1, x], target: a + b * x + prior.noise * random.normal() };
      });
      const x = random.normal();
      const { mean, deviation } = regress(samples, prior)([1, x]);
      if (Math.abs(a + b * x + prior.noise * random.normal() - mean) < deviation) within++;
    }
    expect(within / worlds).toBeGreaterThan(0.6);
    expect(within / worlds).toBeLessThan(0.76);
  });
});
