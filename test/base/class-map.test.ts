import { describe, expect, it } from 'vitest';
import { largestClasses } from '../../base/class-map.js';
import { Random } from '../../base/random.js';

const map = (rows: number, columns: number, classes: number, stride: number, values: readonly number[]) => ({
  ...{ rows, columns, classes, stride },
  values: Float32Array.from(values),
});

describe('the class of each pixel', () => {
  it('changes midway between two cells that are equally sure', () => {
    expect([...largestClasses(map(1, 2, 2, 4, [1, 0, 0, 1]), [1, 8])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('belongs farther to the surer cell', () => {
    // 3 - 4 s < 0 from s = 3/4 on: the middles lie at s = 1/8, 3/8, 5/8, 7/8.
    expect([...largestClasses(map(1, 2, 2, 4, [3, 0, 0, 1]), [1, 8])]).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
    expect([...largestClasses(map(2, 1, 2, 4, [3, 0, 0, 1]), [8, 1])]).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
  });

  it('is the first of equal ones', () => {
    expect([...largestClasses(map(1, 1, 3, 2, [1, 2, 2]), [2, 2])]).toEqual([1, 1, 1, 1]);
  });

  it('is that of the upsampled logits, also where an image lies within that of the network', () => {
    const [rows, columns, classes, stride] = [3, 4, 5, 4];
    const random = new Random(2);
    const values = Array.from({ length: rows * columns * classes }, () => random.normal());
    const placement = { scaleX: 0.6, scaleY: 0.25, left: 2, top: -1 };
    const found = largestClasses(map(rows, columns, classes, stride, values), [30, 20], placement);
    const between = (at: number, cells: number) => {
      const cell = Math.min(cells - 1, Math.max(0, at / stride - 0.5));
      return [Math.floor(cell), Math.min(cells - 1, Math.floor(cell) + 1), cell % 1];
    };
    for (let i = 0; i < found.length; i++) {
      const [top, bottom, down] = between((Math.floor(i / 20) + 0.5) * 0.25 - 1, rows);
      const [left, right, across] = between(((i % 20) + 0.5) * 0.6 + 2, columns);
      const logits = Array.from({ length: classes }, (_, label) => {
        const at = (row: number, column: number): number => values[(row * columns + column) * classes + label];
        return [
          ...[at(top, left) * (1 - across) * (1 - down), at(top, right) * across * (1 - down)],
          ...[at(bottom, left) * (1 - across) * down, at(bottom, right) * across * down],
        ].reduce((a, b) => a + b, 0);
      });
      expect(logits[found[i]]).toBeCloseTo(Math.max(...logits), 6);
    }
    expect(new Set(found).size).toBeGreaterThan(2);
  });

  it('ends with the image, within the last cells', () => {
    const [rows, columns, classes, stride] = [3, 4, 5, 4];
    const random = new Random(1);
    const values = Array.from({ length: rows * columns * classes }, () => random.normal());
    const whole = largestClasses(map(rows, columns, classes, stride, values), [12, 16]);
    const cut = largestClasses(map(rows, columns, classes, stride, values), [10, 13]);
    for (let y = 0; y < 10; y++)
      expect([...cut.subarray(y * 13, y * 13 + 13)]).toEqual([...whole.subarray(y * 16, y * 16 + 13)]);
  });
});
