import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleShares } from '../../../../ui/pages/compare/sample-shares.js';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('samples over shared bins', () => {
  it('puts equal samples into the same bin', () => {
    const shares = sampleShares(
      [
        [1, 1, 2],
        [2, 2],
      ],
      10,
    );
    expect(shares?.shares.map((bins) => bins.filter((share) => share > 0))).toEqual([[2 / 3, 1 / 3], [1]]);
    expect(shares?.shares[0].at(-1)).toBeCloseTo(1 / 3);
    expect(shares?.shares[1].at(-1)).toBe(1);
  });

  it('is nothing without samples, and has no share of those that are missing', () => {
    expect(sampleShares([[], []])).toBeNull();
    expect(sampleShares([[5], []], 4)?.shares[1]).toEqual([0, 0, 0, 0]);
  });

  it('leaves the slowest beyond its end', () => {
    const samples = [...Array.from({ length: 199 }, (_, i) => 1 + i / 1000), 50];
    const shares = sampleShares([samples]);
    expect(shares?.beyond).toBe(10);
    expect(shares?.at.at(-1)).toBeLessThan(1.2);
  });

  it('ends at a few medians where outliers are many', () => {
    const shares = sampleShares([[...new Array<number>(80).fill(1), ...new Array<number>(20).fill(100)]]);
    expect(shares?.at.at(-1)).toBeLessThan(4);
    expect(shares?.beyond).toBe(20);
  });

  it('counts every sample once', () => {
    const samples = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const found = sampleShares([a, b], 7);
        const counted = sum(found?.shares.map((bins, i) => sum(bins) * [a, b][i].length) ?? []);
        expect(counted + (found?.beyond ?? 0)).toBeCloseTo(a.length + b.length);
      }),
    );
  });
});
