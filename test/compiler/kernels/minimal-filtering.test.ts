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
  it.each([
    [2, 3],
    [4, 3],
    [6, 3],
    [2, 5],
    [4, 5],
    [2, 7],
  ])('gives %i outputs of a filter of %i cells, and its gradient, with one product an input', (rows, cells) => {
    const { signal, weights, outputs } = minimalFiltering(rows, cells);
    const [d, w, dy] = [series(rows + cells - 1, 1), series(cells, 2), series(rows, 3)];
    const seen = apply(signal, d);
    const times = (factors: readonly number[]): number[] => seen.map((x, i) => x * factors[i]);
    expect(signal).toHaveLength(rows + cells - 1);
    const direct = dy.map((_, j) => dot(w, d.slice(j, j + cells)));
    close(apply(outputs, times(apply(weights, w))), direct);
    const gradient = w.map((_, k) => dot(dy, d.slice(k, k + rows)));
    close(apply(turned(weights), times(apply(turned(outputs), dy))), gradient);
  });
});
