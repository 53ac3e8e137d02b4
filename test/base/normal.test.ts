import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cumulative, interpolated, logBetween } from '../../base/normal.js';

describe('the normal distribution', () => {
  it('has the values of the tables', () => {
    const table = [
      [0, 0.5],
      [1, 0.841344746068543],
      [-1.96, 0.024997895148220435],
      [3, 0.9986501019683699],
      [-6, 9.865876450376946e-10],
      [-8, 6.22096057427174e-16],
    ];
    for (const [x, p] of table) expect(Math.abs(cumulative(x) / p - 1)).toBeLessThan(1e-7);
  });

  it('is interpolated to ten digits', () => {
    for (let x = -9; x < 9; x += 0.0137) expect(Math.abs(interpolated(x) - cumulative(x))).toBeLessThan(1e-10);
    expect(Math.abs(interpolated(-5) / cumulative(-5) - 1)).toBeLessThan(1e-6);
  });
});

describe('the logarithm of a probability', () => {
  const end = fc.double({ min: -30, max: 30, noNaN: true });
  it('is that of the difference of distribution functions, where these are exact', () => {
    fc.assert(
      fc.property(end, fc.double({ min: 0.01, max: 10, noNaN: true }), (low, width) => {
        const [a, b] = low > 0 ? [-low - width, -low] : [low, low + width];
        const probability = cumulative(b) - cumulative(a);
        fc.pre(probability > 1e-8 * cumulative(b));
        expect(logBetween(low, low + width)).toBeCloseTo(Math.log(probability), 5);
      }),
    );
  });

  it('falls without an end, from either side', () => {
    // -z²/2 - log(z √(2π)), up to 1/z².
    for (const z of [36.9, 37.1, 1e3, 1e6]) {
      const expected = -0.5 * z * z - Math.log(z * Math.sqrt(2 * Math.PI));
      expect(logBetween(-Infinity, -z) / expected).toBeCloseTo(1, 5);
      expect(logBetween(z, Infinity)).toBe(logBetween(-Infinity, -z));
    }
    expect(logBetween(-Infinity, Infinity)).toBe(0);
    expect(logBetween(-1e3, -1e3 + 1e-9)).toBeLessThan(-4e5);
  });
});
