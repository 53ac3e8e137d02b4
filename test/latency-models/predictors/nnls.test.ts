import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { Cholesky, dot } from '../../../base/linear-algebra.js';
import { minimiseNonNegative } from '../../../latency-models/predictors/nnls.js';

type Rows = readonly (readonly number[])[];

/** Least squares by their normal equations. */
const nonNegativeLeastSquares = (rows: Rows, target: readonly number[], ridge = 0): number[] => {
  const columns = (rows.at(0) ?? []).map((_, j) => rows.map((row) => row[j]));
  return minimiseNonNegative({
    gram: columns.map((a, i) => columns.map((b, j) => dot(a, b) + (i === j ? ridge : 0))),
    moment: columns.map((a) => dot(a, target)),
  });
};

const residual = (rows: Rows, target: readonly number[], x: readonly number[]): number[] =>
  rows.map((row, i) => target[i] - row.reduce((total, value, j) => total + value * x[j], 0));

const loss = (rows: Rows, target: readonly number[], x: readonly number[], ridge: number): number =>
  residual(rows, target, x).reduce((total, r) => total + r * r, 0) + ridge * x.reduce((total, v) => total + v * v, 0);

/** The best of all 2^n supports: least squares on each, those with negative values left out. */
function bruteForce(rows: Rows, target: readonly number[], ridge: number): number {
  const size = rows[0].length;
  let best = Infinity;
  for (let mask = 0; mask < 2 ** size; mask++) {
    const support = Array.from({ length: size }, (_, j) => j).filter((j) => mask & (1 << j));
    const gram = support.flatMap((i) =>
      support.map((j) => rows.reduce((total, row) => total + row[i] * row[j], i === j ? ridge : 0)),
    );
    const values = Cholesky.of(Float64Array.from(gram), support.length).solve(
      Float64Array.from(support, (i) => rows.reduce((total, row, k) => total + row[i] * target[k], 0)),
    );
    if (values.some((value) => value < 0)) continue;
    const x = Array.from({ length: size }, (_, j) => values[support.indexOf(j)] ?? 0);
    best = Math.min(best, loss(rows, target, x, ridge));
  }
  return best;
}

function randomProblem(seed: number, height: number, width: number): { rows: number[][]; target: number[] } {
  const random = new Random(seed, 'nnls-test');
  const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => random.normal()));
  return { rows, target: Array.from({ length: height }, () => random.normal()) };
}

describe('nonNegativeLeastSquares', () => {
  it('recovers non-negative weights from exact data', () => {
    const { rows } = randomProblem(1, 12, 4);
    const weights = [0.5, 0, 2, 0.01];
    const target = rows.map((row) => row.reduce((total, value, j) => total + value * weights[j], 0));
    nonNegativeLeastSquares(rows, target).forEach((value, j) => expect(value).toBeCloseTo(weights[j], 9));
  });

  it('is as good as the best of all supports', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e9 }),
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(0.01, 0.3),
        (seed, height, width, ridge) => {
          const { rows, target } = randomProblem(seed, height, width);
          const found = loss(rows, target, nonNegativeLeastSquares(rows, target, ridge), ridge);
          expect(found).toBeLessThanOrEqual(bruteForce(rows, target, ridge) * (1 + 1e-9) + 1e-12);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('fulfils the Karush-Kuhn-Tucker conditions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 20, max: 60 }), (seed, height) => {
        const { rows, target } = randomProblem(seed, height, 16);
        const x = nonNegativeLeastSquares(rows, target);
        const rest = residual(rows, target, x);
        x.forEach((value, j) => {
          const slope = rows.reduce((total, row, i) => total + row[j] * rest[i], 0);
          expect(value).toBeGreaterThanOrEqual(0);
          if (value > 0) expect(Math.abs(slope)).toBeLessThan(1e-8);
          else expect(slope).toBeLessThan(1e-8);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('ends on columns that depend on each other, on zeros and on nothing', () => {
    const rows = [
      [1, 1, 2, 0],
      [2, 2, 4, 0],
      [3, 3, 6, 0],
    ];
    expect(loss(rows, [1, 2, 3], nonNegativeLeastSquares(rows, [1, 2, 3]), 0)).toBeLessThan(1e-20);
    expect(nonNegativeLeastSquares(rows, [-1, -2, -3])).toEqual([0, 0, 0, 0]);
    expect(nonNegativeLeastSquares([], [])).toEqual([]);
  });
});
