import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { orthogonalized } from '../../../trainers/optimizers/newton-schulz.js';
import { multiply, newtonSchulz, type Matrix, transposed } from '../support/matrices.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const random = (rows: number, columns: number, seed: number): Matrix => {
  const source = new Random(seed, 'matrix');
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => source.normal()));
};

/** Results for matrices that are computed together. */
const results = (matrices: readonly Matrix[], iterations: number, scale = 1): Matrix[] =>
  tf.tidy(() =>
    orthogonalized(
      matrices.map((matrix) => tf.tensor2d(matrix)),
      iterations,
      tf.scalar(scale),
    ).map((result) => result.arraySync()),
  );

const shapes = [
  [4, 4],
  [4, 12],
  [12, 4],
  [1, 5],
  [7, 1],
  [6, 9],
] as const;

describe('Newton-Schulz iterations', () => {
  test.each([1, 3, 5])('are those of the paper, for matrices of all shapes (%d iterations)', (iterations) => {
    const matrices = shapes.map(([rows, columns], i) => random(rows, columns, i));
    const actual = results(matrices, iterations, 0.25);
    for (const [i, matrix] of matrices.entries())
      for (const [row, values] of newtonSchulz(matrix, iterations).entries())
        values.forEach((x, column) => expect(actual[i][row][column]).toBeCloseTo(0.25 * x, 5));
  });

  test('bring singular values near 1, whatever their size', () => {
    for (const size of [1e-6, 1, 1e6]) {
      const matrix = random(6, 10, 3).map((row) => row.map((x) => x * size));
      const [result] = results([matrix], 5);
      const squares = multiply(result, transposed(result));
      // 0.7 to 1.2 squared.
      for (const [i, row] of squares.entries())
        for (const [j, x] of row.entries()) {
          if (i === j) expect(x).toBeGreaterThan(0.4);
          expect(Math.abs(x)).toBeLessThan(i === j ? 1.5 : 0.6);
        }
    }
  });

  test('leave a matrix of zeros as it is', () => {
    expect(
      results([[[0, 0]], random(1, 2, 1)], 3)[0]
        .flat()
        .map(Math.abs),
    ).toEqual([0, 0]);
  });
});
