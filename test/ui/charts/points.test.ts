import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distributionOf, thinned, valueAt } from '../../../ui/charts/points.js';

const rows = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('thinned rows', () => {
  it('are all rows up to the limit', () => {
    expect(thinned(rows(5), 5, () => false)).toEqual([0, 1, 2, 3, 4]);
  });

  it('keep the required rows, and others evenly', () => {
    expect(thinned(rows(100), 5, (row) => row === 3)).toEqual([3, 25, 50, 75, 99]);
  });

  it('keep the required rows beyond the limit', () => {
    expect(thinned(rows(10), 2, (row) => row < 4)).toEqual([0, 1, 2, 3]);
  });

  it('fill the limit exactly, in order, for any required rows', () => {
    const picked = fc.tuple(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 2, max: 50 }),
    );
    fc.assert(
      fc.property(picked, ([count, limit, every]) => {
        const must = (row: number) => row % every === 0;
        const found = thinned(rows(count), limit, must);
        expect(found).toHaveLength(Math.min(count, Math.max(limit, rows(count).filter(must).length)));
        expect(found).toEqual(found.toSorted((a, b) => a - b));
        expect(
          rows(count)
            .filter(must)
            .every((row) => found.includes(row)),
        ).toBe(true);
      }),
    );
  });
});

it('a quantile is where the distribution reaches its share', () => {
  const ten = rows(10).map((row) => row + 1);
  expect([0.1, 0.25, 0.5, 0.75, 0.9, 1].map((share) => valueAt(ten, share))).toEqual([1, 3, 5, 8, 9, 10]);
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (all, part) => {
        const sorted = all.toSorted((a, b) => a - b);
        const found = distributionOf(all).find(([, share]) => 20 * share >= part - 1e-6);
        expect(valueAt(sorted, part / 20)).toBe(found?.[0]);
      },
    ),
  );
});

it('a distribution rises from 0 to 1 in few steps', () => {
  expect(distributionOf([])).toEqual([]);
  expect(distributionOf([3, 1, 2, 2])).toEqual([
    [1, 0],
    [1, 0.25],
    [2, 0.5],
    [2, 0.75],
    [3, 1],
  ]);
  const many = distributionOf(Array.from({ length: 10_001 }, (_, i) => i));
  expect([many.length < 600, many.at(-1)]).toEqual([true, [10_000, 1]]);
});
