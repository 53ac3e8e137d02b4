import { describe, expect, it } from 'vitest';
import { countPixels, scorePixels } from '../../base/mask-scores.js';
import { comparedTo, discordance, mcNemar } from '../../base/paired.js';
import { Random } from '../../base/random.js';
import type { Scores } from '../../base/scores.js';

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

describe('two segmenters on the same images', () => {
  const images = 80;
  const random = new Random(1, 'paired');
  const pixels = (count: number) => Uint8Array.from({ length: count }, () => random.int(3));
  /** The mask with other classes in a share of its pixels. */
  const answer = (mask: Uint8Array, share: number) =>
    mask.map((label) => (random.uniform() < share ? random.int(3) : label));
  const masks = Array.from({ length: images }, () => pixels(40 + random.int(80)));
  const first = masks.map((mask) => answer(mask, 0.8 * random.uniform()));
  const second = masks.map((mask, i) => first[i].map((label, k) => (random.uniform() < 0.1 ? mask[k] : label)));
  function scoresOf(found: readonly Uint8Array[], left?: number): Scores {
    const confusion = [0, 1, 2].map(() => [0, 0, 0]);
    const counts = masks.flatMap((mask, i) => (i === left ? [] : [countPixels(mask, found[i], confusion)]));
    const { score, details, deviations } = scorePixels(counts, confusion);
    return { accuracy: score, loss: 0, count: counts.length, details, deviations };
  }

  it('differ with the error of leaving out one image after the other, which is less than those of each', () => {
    const [a, b] = [scoresOf(first), scoresOf(second)];
    const { difference = NaN, error = NaN, p = NaN } = comparedTo(a, b) ?? {};
    expect(difference).toBe(b.accuracy - a.accuracy);
    const without = masks.map((_, left) => scoresOf(second, left).accuracy - scoresOf(first, left).accuracy);
    const mean = without.reduce((x, y) => x + y) / images;
    const expected = Math.sqrt(((images - 1) / images) * without.reduce((sum, one) => sum + (one - mean) ** 2, 0));
    expect(Math.abs(error / expected - 1)).toBeLessThan(0.05);
    if (a.details.type !== 'segmentation') throw new Error('other details');
    expect(error).toBeLessThan(a.details.errors.score / 3);
    expect(p).toBeLessThan(0.001);
    expect(comparedTo(a, a)).toEqual({ difference: 0, error: 0, p: 1 });
  });

  it.each([
    [0, 1],
    [1, 0.317311],
    [-1.959964, 0.05],
    [3, 0.0027],
  ])('that differ by %f errors have the p-value %f', (distance, p) => {
    const { details } = scoresOf(first);
    const of = (accuracy: number, deviation: number) => ({
      ...{ accuracy, loss: 0, count: 1, details, deviations: Float64Array.of(deviation) },
    });
    expect(comparedTo(of(0.5, 0.01), of(0.5 + 0.02 * distance, 0.03))?.p).toBeCloseTo(p, 5);
  });
});
