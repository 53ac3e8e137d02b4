import { describe, expect, it } from 'vitest';
import { discordance, mcNemar } from '../../base/paired.js';

describe("McNemar's test", () => {
  it.each([
    // Of sums of binomial coefficients as exact fractions.
    [0, 0, 1],
    [3, 3, 1],
    [0, 5, 0.0625],
    [2, 12, 0.012939],
    [59, 101, 0.001123],
    [1000, 1100, 0.030721],
  ])('of %i and %i images that only one gets right has the p-value %f', (onlyFirst, onlySecond, p) => {
    expect(mcNemar({ onlyFirst, onlySecond })).toBeCloseTo(p, 5);
    expect(mcNemar({ onlyFirst: onlySecond, onlySecond: onlyFirst })).toBeCloseTo(p, 5);
  });

  it('counts the images that only one of two gets right', () => {
    expect(discordance([1, 2, 3, 9], [3, 4])).toEqual({ onlyFirst: 1, onlySecond: 3 });
  });
});
