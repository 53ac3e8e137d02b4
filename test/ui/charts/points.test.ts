import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinned } from '../../../ui/charts/points.js';

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
