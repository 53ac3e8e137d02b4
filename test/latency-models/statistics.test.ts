import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { mean, quantile } from '../../base/statistics.js';
import {
  ascending,
  blockBootstrap,
  interquartileMean,
  kendall,
  meanAbsolutePercentageError,
  median,
  ranks,
  shareWithin,
  spearman,
} from '../../latency-models/statistics.js';

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('quantiles', () => {
  it('interpolates as Hyndman and Fan type 7', () => {
    const sorted = [1, 2, 4, 8];
    expect([0, 0.25, 0.5, 0.75, 1].map((q) => quantile(sorted, q))).toEqual([1, 1.75, 3, 5, 8]);
    expect(median([5, 1, 3])).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('interquartileMean', () => {
  it('takes the middle half and cuts values at the quartiles', () => {
    expect(interquartileMean([1, 2, 3, 100])).toBe(2.5);
    // Of five values, the middle 2.5: three quarters of the second and fourth, all of the third.
    expect(interquartileMean([0, 1, 2, 3, 100])).toBeCloseTo(2, 12);
    expect(interquartileMean([0, 4, 5, 8, 100])).toBeCloseTo((0.75 * 4 + 5 + 0.75 * 8) / 2.5, 12);
  });

  it('is between the extremes, and weights are repetitions', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 1000 }), (list, seed) => {
        const sorted = ascending(list);
        const centre = interquartileMean(sorted);
        expect(centre).toBeGreaterThanOrEqual(sorted[0] - 1e-9);
        expect(centre).toBeLessThanOrEqual(sorted[sorted.length - 1] + 1e-9);
        const random = new Random(seed);
        const weights = sorted.map((_, i) => (i === 0 ? 1 : random.int(4)));
        const repeated = sorted.flatMap((value, i) => new Array<number>(weights[i]).fill(value));
        expect(interquartileMean(sorted, weights)).toBeCloseTo(interquartileMean(repeated), 9);
      }),
    );
  });
});

describe('blockBootstrap', () => {
  /** Blocks whose level differs by a normal deviation, as on a machine with other work. */
  const blocksAround = (centre: number, random: Random) =>
    Array.from({ length: 20 }, () => {
      const level = centre + 0.05 * random.normal();
      return Array.from({ length: 8 }, () => level + 0.02 * random.normal());
    });

  it('holds the true centre about 95 % of the time although samples of a block go together', () => {
    const hits = Array.from({ length: 200 }, (_, i) => {
      const random = new Random(i, 'coverage');
      const [low, high] = blockBootstrap(blocksAround(1, random), random, 200);
      return low <= 1 && 1 <= high ? 1 : 0;
    });
    expect(mean(hits)).toBeGreaterThan(0.86);
    expect(mean(hits)).toBeLessThanOrEqual(0.99);
  });

  it('repeats with the seed', () => {
    const blocks = blocksAround(2, new Random(3));
    expect(blockBootstrap(blocks, new Random(4))).toEqual(blockBootstrap(blocks, new Random(4)));
  });
});

describe('rank correlations', () => {
  it('shares ranks between ties', () => {
    expect(ranks([10, 30, 20, 30])).toEqual([1, 3.5, 2, 3.5]);
  });

  it('agrees with values worked out by hand', () => {
    expect(spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])).toBeCloseTo(0.8, 12);
    expect(kendall([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])).toBeCloseTo(0.6, 12);
    // Tau-b with one tie: (5 - 0) / sqrt(5 * 6).
    expect(kendall([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(5 / Math.sqrt(30), 12);
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(kendall([1], [1])).toBeNaN();
    for (const correlation of [spearman, kendall]) {
      expect(correlation([1, NaN, 2], [1, 2, 3])).toBeNaN();
      expect(correlation([1, 2, 3], [1, 2, NaN])).toBeNaN();
    }
  });

  it('depends on the order only', () => {
    const distinct = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(distinct, (x) => {
        const rising = x.map((value) => Math.exp(value / 5));
        for (const correlation of [spearman, kendall]) {
          expect(correlation(x, rising)).toBeCloseTo(1, 9);
          expect(
            correlation(
              x,
              rising.map((value) => -value),
            ),
          ).toBeCloseTo(-1, 9);
        }
      }),
    );
  });
});

describe('errors of predictions', () => {
  it('are relative to the actual value', () => {
    expect(meanAbsolutePercentageError([110, 95], [100, 100])).toBeCloseTo(7.5, 12);
    expect(shareWithin([104, 109, 120, 96], [100, 100, 100, 100], 0.05)).toBe(0.5);
    expect(shareWithin([104, 109, 120, 96], [100, 100, 100, 100], 0.1)).toBe(0.75);
  });
});
