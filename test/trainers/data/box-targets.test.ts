import { describe, expect, it } from 'vitest';
import type { LabelledBox } from '../../../base/boxes.js';
import { gridOf, writeTargets } from '../../../trainers/data/box-targets.js';

const box = (
  left: number,
  top: number,
  right: number,
  bottom: number,
  more: Partial<LabelledBox> = {},
): LabelledBox => ({
  left,
  top,
  right,
  bottom,
  label: 0,
  ignored: false,
  ...more,
});

/** The labels of the cells as lines: `.` background, `x` ignored, else the class. */
function drawn(boxes: readonly LabelledBox[], size: readonly [number, number] = [32, 40]) {
  const grid = gridOf(size, 4);
  const values = new Float32Array(grid.rows * grid.columns * 5);
  writeTargets(grid, boxes, values);
  const lines = Array.from({ length: grid.rows }, (_, row) =>
    Array.from({ length: grid.columns }, (__, column) => {
      const label = values[(row * grid.columns + column) * 5];
      return label === -1 ? '.' : label === -2 ? 'x' : String(label);
    }).join(''),
  );
  return {
    lines,
    at: (row: number, column: number) => [...values.subarray((row * grid.columns + column) * 5)].slice(0, 5),
  };
}

describe('targets of detection', () => {
  it('are the cells near the centre of a box, with its place and size in cells', () => {
    const { lines, at } = drawn([box(4, 4, 28, 24, { label: 2 })]);
    // The centre is (4, 3.5) in cells: cells within 1.5 of it on both axes.
    expect(lines).toEqual([
      '..........',
      '..........',
      '..2222....',
      '..2222....',
      '..2222....',
      '..........',
      '..........',
      '..........',
    ]);
    expect(at(3, 4)).toEqual([2, -0.5, 0, 6, 5]);
    expect(at(0, 0)).toEqual([-1, 0, 0, 0, 0]);
  });

  it('are one cell of a box that is smaller than a cell', () => {
    const { lines, at } = drawn([box(9, 10, 11, 11)]);
    expect(lines.join('').replaceAll('.', '')).toBe('0');
    expect(at(2, 2)).toEqual([0, 0, 0.125, 0.5, 0.25]);
  });

  it('are those of the smaller of two boxes', () => {
    const boxes = [box(12, 12, 20, 20, { label: 1 }), box(0, 0, 32, 32)];
    for (const order of [boxes, boxes.toReversed()]) expect(drawn(order).at(3, 3)[0]).toBe(1);
  });

  it('ignore cells in crowds and difficult boxes, unless a box is there', () => {
    const { lines } = drawn([box(0, 0, 16, 16, { ignored: true }), box(8, 8, 16, 16)], [16, 16]);
    expect(lines).toEqual(['xxxx', 'xxxx', 'xx00', 'xx00']);
  });

  it('stay in the grid where a centre lies on its border', () => {
    expect(drawn([box(38, 30, 42, 34)]).at(7, 9)[0]).toBe(0);
  });
});
