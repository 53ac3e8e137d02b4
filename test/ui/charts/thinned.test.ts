import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinned } from '../../../ui/charts/points.js';

const rows = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('at most so many rows', () => {
  it('are all where they are few', () => {
    expect(thinned(rows(5), 5, () => false)).toEqual([0, 1, 2, 3, 4]);
  });

  it('hold those that must be there, and others evenly', () => {
    expect(thinned(rows(100), 5, (row) => row === 3)).toEqual([3, 25, 50, 75, 99]);
  });

  it('hold what must be there even where that is more', () => {
    expect(thinned(rows(10), 2, (row) => row < 4)).toEqual([0, 1, 2, 3]);
  });

  it('fill their limit exactly, in order, whatever must be there', () => {
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
