import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cholesky, dot, symmetricEigen } from '../../base/linear-algebra.js';
import { Random } from '../../base/random.js';

/** A random symmetric positive definite matrix: A A^T + I; row-major. */
function positiveDefinite(size: number, random: Random): Float64Array {
  const a = Float64Array.from({ length: size * size }, () => random.normal());
  const matrix = new Float64Array(size * size);
  const row = (i: number): Float64Array => a.subarray(i * size, (i + 1) * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      matrix[i * size + j] = row(i).reduce((sum, value, k) => sum + value * row(j)[k], i === j ? 1 : 0);
  return matrix;
}

const times = (matrix: Float64Array, x: Float64Array): Float64Array =>
  x.map((_, i) => x.reduce((sum, value, j) => sum + matrix[i * x.length + j] * value, 0));

/** By Gaussian elimination. */
function determinant(matrix: Float64Array, size: number): number {
  const a = matrix.slice();
  let product = 1;
  for (let k = 0; k < size; k++) {
    product *= a[k * size + k];
    for (let i = k + 1; i < size; i++) {
      const factor = a[i * size + k] / a[k * size + k];
      for (let j = k; j < size; j++) a[i * size + j] -= factor * a[k * size + j];
    }
  }
  return product;
}

const cases = fc.record({ size: fc.integer({ min: 1, max: 12 }), seed: fc.nat() });

describe('Cholesky', () => {
  it('solves, inverts and gives the determinant', () => {
    fc.assert(
      fc.property(cases, ({ size, seed }) => {
        const random = new Random(seed);
        const matrix = positiveDefinite(size, random);
        const factor = Cholesky.of(matrix, size);
        const x = Float64Array.from({ length: size }, () => random.normal());
        const product = (): Float64Array => times(matrix, x);
        for (const found of [factor.solve(product()), times(factor.inverse(), product())])
          found.forEach((value, i) => expect(value).toBeCloseTo(x[i], 8));
        expect(factor.logDeterminant()).toBeCloseTo(Math.log(determinant(matrix, size)), 8);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same by rows, bit for bit, also after rows were dropped and added again', () => {
    fc.assert(
      fc.property(cases, ({ size, seed }) => {
        const matrix = positiveDefinite(size, new Random(seed));
        const fresh = Cholesky.of(matrix, size);
        const grown = new Cholesky(1);
        const append = (i: number): number =>
          grown.append(matrix.subarray(i * size, i * size + i), matrix[i * size + i]);
        for (let i = 0; i < size; i++) append(i);
        grown.truncate(size >> 1);
        expect(grown.size).toBe(size >> 1);
        for (let i = size >> 1; i < size; i++) append(i);
        for (let i = 0; i < size; i++) expect(grown.row(i)).toEqual(fresh.row(i));
      }),
      { numRuns: 60 },
    );
  });

  it('returns the part of a row that the rows before do not explain', () => {
    const factor = new Cholesky();
    expect([factor.append([], 4), factor.append([2], 3), factor.append([4, 2], 4)]).toEqual([4, 2, 0]);
  });

  it('solves with repeated rows', () => {
    const factor = Cholesky.of(new Float64Array(9).fill(1), 3);
    expect([...factor.solve(Float64Array.from([1, 1, 1]))].every(Number.isFinite)).toBe(true);
  });
});

describe('symmetricEigen', () => {
  it('gives orthonormal vectors that the matrix scales by their values, largest first', () => {
    fc.assert(
      fc.property(cases, ({ size, seed }) => {
        const matrix = positiveDefinite(size, new Random(seed));
        const { values, vectors } = symmetricEigen(matrix, size);
        for (const [k, vector] of vectors.entries()) {
          times(matrix, vector).forEach((x, i) => expect(x).toBeCloseTo(values[k] * vector[i], 9));
          vectors.forEach((other, l) => expect(dot(vector, other)).toBeCloseTo(k === l ? 1 : 0, 12));
          if (k > 0) expect(values[k]).toBeLessThanOrEqual(values[k - 1]);
          expect(Math.max(...vector)).toBeGreaterThanOrEqual(-Math.min(...vector));
        }
      }),
    );
  });

  it('splits equal values and zeros', () => {
    const ones = new Float64Array(9).fill(1);
    const { values, vectors } = symmetricEigen(ones, 3);
    [3, 0, 0].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 12));
    vectors[0].forEach((x) => expect(x).toBeCloseTo(Math.sqrt(1 / 3), 12));
    expect(symmetricEigen(new Float64Array(4), 2)).toEqual({
      values: Float64Array.of(0, 0),
      vectors: [Float64Array.of(1, 0), Float64Array.of(0, 1)],
    });
  });
});
