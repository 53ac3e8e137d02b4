import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnRows, rowsOfPage, topKeeping, topShowing } from '../../../ui/components/grid.js';

const view = fc.record({
  top: fc.integer({ min: 0, max: 2_000_000 }),
  height: fc.integer({ min: 32, max: 3000 }),
  rowHeight: fc.constantFrom(24, 32),
  rows: fc.integer({ min: 0, max: 60_000 }),
});

describe('the window of a long table', () => {
  it('holds every row that can be seen, and few others', () => {
    fc.assert(
      fc.property(view, (now) => {
        const [first, end] = drawnRows(now, 5);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(now.rows);
        expect(end - first).toBeLessThanOrEqual(now.height / now.rowHeight + 12);
        const seen = Math.floor(now.top / now.rowHeight);
        if (seen < now.rows) {
          expect(first).toBeLessThanOrEqual(seen);
          expect(end).toBeGreaterThan(seen);
          expect(end * now.rowHeight).toBeGreaterThanOrEqual(Math.min(now.top + now.height, now.rows * now.rowHeight));
        }
      }),
      { seed: 1 },
    );
  });

  it('is scrolled by as little as shows a row whole', () => {
    fc.assert(
      fc.property(view, fc.nat(59_999), (now, row) => {
        const top = topShowing(now, row);
        expect(top).toBeLessThanOrEqual(row * now.rowHeight);
        expect(top + now.height).toBeGreaterThanOrEqual((row + 1) * now.rowHeight);
        expect(topShowing({ ...now, top }, row)).toBe(top);
      }),
      { seed: 1 },
    );
    expect(topShowing({ top: 100, height: 320, rowHeight: 32, rows: 50 }, 5)).toBe(100);
  });

  it('keeps a row in its place on the screen when rows come above it', () => {
    expect(topKeeping(640, 32, 20, 23)).toBe(736);
    expect(topKeeping(32, 32, 20, 3)).toBe(0);
  });

  it('moves by what can be seen less a row', () => {
    expect(rowsOfPage({ top: 0, height: 330, rowHeight: 32, rows: 9 })).toBe(9);
    expect(rowsOfPage({ top: 0, height: 20, rowHeight: 32, rows: 9 })).toBe(1);
  });
});
