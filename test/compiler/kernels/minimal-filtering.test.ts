import { describe, expect, it } from 'vitest';
import { minimalFiltering } from '../../../compiler/kernels/blocked/winograd.js';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]): number => sum(a.map((x, i) => x * b[i]));
const apply = (matrix: readonly (readonly number[])[], vector: readonly number[]): number[] =>
  matrix.map((row) => dot(row, vector));
const turned = (matrix: readonly (readonly number[])[]): number[][] =>
  matrix[0].map((_, i) => matrix.map((row) => row[i]));
const series = (length: number, phase: number): number[] =>
  Array.from({ length }, (_, i) => Math.sin(3 * i + phase) + phase / 4);
const close = (actual: readonly number[], expected: readonly number[]): void =>
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 10));

describe('minimal filtering', () => {
  for (const [rows, cells] of [
    [2, 3],
    [4, 3],
    [6, 3],
    [2, 5],
    [4, 5],
    [2, 7],
  ] as const) {
    const { signal, weights, outputs } = minimalFiltering(rows, cells);
    const [d, w, dy] = [series(rows + cells - 1, 1), series(cells, 2), series(rows, 3)];
    const seen = apply(signal, d);

    it(`gives ${rows} outputs of a filter of ${cells} cells in ${rows + cells - 1} products`, () => {
      expect(signal).toHaveLength(rows + cells - 1);
      const weighted = apply(weights, w);
      const direct = dy.map((_, j) => dot(w, d.slice(j, j + cells)));
      close(
        apply(
          outputs,
          seen.map((x, i) => x * weighted[i]),
        ),
        direct,
      );
    });

    it(`gives the gradient of ${cells} cells from ${rows} outputs in as many`, () => {
      const spread = apply(turned(outputs), dy);
      const direct = w.map((_, k) => dot(dy, d.slice(k, k + rows)));
      close(
        apply(
          turned(weights),
          seen.map((x, i) => x * spread[i]),
        ),
        direct,
      );
    });
  }
});
