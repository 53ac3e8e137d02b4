import { describe, expect, it } from 'vitest';
import { gridOf } from '../../../trainers/data/box-targets.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import { writeMaskTargets } from '../../../trainers/data/mask-targets.js';

function targets(rows: readonly (readonly number[])[], stride: number, classes: number): number[] {
  const size = [rows.length, rows[0].length] as const;
  const grid = gridOf(size, stride);
  const into = new Float32Array(grid.rows * grid.columns * classes).fill(7);
  writeMaskTargets(grid, Uint8Array.from(rows.flat()), size, classes, into);
  return [...into];
}

describe('targets of masks', () => {
  it('are the shares of the classes among the pixels of each cell', () => {
    const rows = [
      [0, 0, 1, 1],
      [0, 2, 1, 1],
    ];
    expect(targets(rows, 2, 3)).toEqual([0.75, 0, 0.25, 0, 1, 0]);
  });

  it('sum to less than 1 where pixels are ignored', () => {
    const rows = [
      [ignoredPixel, 1],
      [ignoredPixel, 0],
    ];
    expect(targets(rows, 2, 2)).toEqual([0.25, 0.25]);
    expect(targets([[ignoredPixel]], 1, 2)).toEqual([0, 0]);
  });

  it('count the pixels that are there in cells at the border', () => {
    expect(targets([[0, 0, 1]], 2, 2)).toEqual([1, 0, 0, 1]);
  });
});
