import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnRows, placeAfter, scrollTopFor, type Place } from '../../../ui/components/grid.js';

const size = { rows: 100, columns: 5, page: 10 };
const at = (index: number, column: number): Place => ({ index, column });

describe('keys of a grid', () => {
  it.each<[string, boolean, Place, Place | null]>([
    ['ArrowDown', false, at(0, 2), at(1, 2)],
    ['ArrowDown', false, at(99, 2), at(99, 2)],
    ['ArrowUp', false, at(0, 2), at(-1, 2)],
    ['ArrowUp', false, at(-1, 2), at(-1, 2)],
    ['ArrowLeft', false, at(3, 0), at(3, 0)],
    ['ArrowRight', false, at(3, 4), at(3, 4)],
    ['PageDown', false, at(95, 1), at(99, 1)],
    ['PageDown', false, at(-1, 1), at(9, 1)],
    ['PageUp', false, at(4, 1), at(0, 1)],
    ['PageUp', false, at(-1, 1), at(-1, 1)],
    ['PageUp', false, at(40, 1), at(30, 1)],
    ['Home', false, at(7, 3), at(7, 0)],
    ['End', false, at(7, 3), at(7, 4)],
    ['Home', true, at(7, 3), at(0, 0)],
    ['End', true, at(7, 3), at(99, 4)],
    ['ArrowDown', true, at(7, 3), null],
    ['x', false, at(7, 3), null],
  ])('%s (Ctrl: %s)', (key, ctrl, from, to) => {
    expect(placeAfter(from, key, ctrl, size)).toEqual(to);
  });

  it('stay in the head when there are no rows', () => {
    expect(placeAfter(at(-1, 0), 'ArrowDown', false, { ...size, rows: 0 })).toEqual(at(-1, 0));
    expect(placeAfter(at(-1, 0), 'End', true, { ...size, rows: 0 })).toEqual(at(-1, 4));
  });
});

describe('the rows of a grid that are drawn', () => {
  const rowHeight = 32;
  const view = fc.record({ top: fc.nat(2_000_000), height: fc.integer({ min: 32, max: 3000 }) });

  it('include every visible row, and few others', () => {
    fc.assert(
      fc.property(view, fc.nat(60_000), (now, rows) => {
        const [first, end] = drawnRows(now, rows);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(rows);
        expect(end - first).toBeLessThanOrEqual(now.height / rowHeight + 18);
        const seen = Math.floor(now.top / rowHeight);
        if (seen >= rows) return;
        expect(first).toBeLessThanOrEqual(seen);
        expect(end).toBeGreaterThan(seen);
        expect(end * rowHeight).toBeGreaterThanOrEqual(Math.min(now.top + now.height, rows * rowHeight));
      }),
    );
  });

  it('are scrolled by as little as shows a row entirely', () => {
    fc.assert(
      fc.property(view, fc.nat(59_999), (now, row) => {
        const top = scrollTopFor(now, row);
        expect(top).toBeLessThanOrEqual(row * rowHeight);
        expect(top + now.height).toBeGreaterThanOrEqual((row + 1) * rowHeight);
        expect(scrollTopFor({ ...now, top }, row)).toBe(top);
      }),
    );
    expect(scrollTopFor({ top: 100, height: 320 }, 5)).toBe(100);
  });
});
