import { Cholesky } from '../../base/linear-algebra.js';
import { combine, maximiseEvidence, type Component } from './evidence.js';
import { minimiseNonNegative, type Equations } from './nnls.js';

/**
 * target = rows w + f + e with w >= 0, w ~ N(mean, prior), f a deviation and e noise, both with known covariances up to
 * their sizes.
 */
export interface Regression {
  readonly target: Float64Array;
  readonly rows: readonly Float64Array[];
  readonly mean: Float64Array;
  /** Row-major covariance of w, without what `free` adds. */
  readonly prior: Float64Array;
  /** Parts of the covariance of w whose sizes are to be found, q x q for q weights. */
  readonly free: readonly Component[];
  /** Covariance of errors whose sizes are known, row-major; none by default. */
  readonly errors?: Float64Array;
  /** The noise first; all others are deviations, or errors of single targets. */
  readonly components: readonly [noise: Component, ...others: Component[]];
}

export interface Solution {
  readonly weights: readonly number[];
  /** Sizes of the components (standard deviations, in their order), then of the free parts of the prior. */
  readonly sizes: readonly number[];
  readonly scales: readonly number[];
  /** (deviations + noise)^-1 (target - rows w): covariances with it give the deviations elsewhere. */
  readonly dual: Float64Array;
  /** target minus what all other targets say about each. */
  readonly leftOut: Float64Array;
  /** Variances of `leftOut` as the model sees them. */
  readonly leftOutVariance: Float64Array;
}

export interface Start {
  /** Where the search for sizes begins. */
  readonly scales?: readonly number[];
  /** Take them as they are. */
  readonly keep?: boolean;
}

/** A P A' for rows A and a symmetric P, row-major. */
export function sandwich(rows: readonly Float64Array[], inner: Float64Array): Float64Array {
  const n = rows.length;
  const q = Math.round(Math.sqrt(inner.length));
  const right = rows.map((row) => {
    const product = new Float64Array(q);
    for (let i = 0; i < q; i++) {
      let sum = 0;
      for (let j = 0; j < q; j++) sum += inner[i * q + j] * row[j];
      product[i] = sum;
    }
    return product;
  });
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) result[i * n + j] = result[j * n + i] = dot(rows[i], right[j]);
  return result;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * Sizes by maximal evidence (as if weights could be negative), then the most probable weights that are not (Lawson &
 * Hanson on the whitened rows and the prior), then the deviations.
 */
export function solve(problem: Regression, start: Start = {}): Solution {
  const { target, rows, mean, prior, free, components, errors } = problem;
  const n = rows.length;
  const centred = target.map((value, i) => value - dot(rows[i], mean));
  const all = [...components, ...free.map((part) => ({ ...part, matrix: sandwich(rows, part.matrix) }))];
  const told = sandwich(rows, prior);
  const fixed = errors === undefined ? told : told.map((value, k) => value + errors[k]);
  const { scales } =
    start.keep === true && start.scales !== undefined
      ? { scales: start.scales }
      : maximiseEvidence(centred, fixed, all, start.scales);
  const residual = Cholesky.of(residualCovariance(problem, scales), n);
  const wholePrior = combine(prior, free, scales.slice(components.length));
  const weights = minimiseNonNegative(equationsOf(problem, residual, wholePrior));
  const dual = residual.solve(target.map((value, i) => value - dot(rows[i], weights)));
  const inverse = Cholesky.of(combine(fixed, all, scales), n).inverse();
  const leftOutVariance = Float64Array.from({ length: n }, (_, i) => 1 / inverse[i * n + i]);
  const leftOut = Float64Array.from(
    { length: n },
    (_, i) => dot(inverse.subarray(i * n, (i + 1) * n), centred) * leftOutVariance[i],
  );
  return { weights, sizes: scales.map(Math.exp), scales, dual, leftOut, leftOutVariance };
}

/** Covariance of the targets around what the weights say, at these sizes. */
export const residualCovariance = (
  { target, errors, components }: Regression,
  scales: readonly number[],
): Float64Array => combine(errors ?? new Float64Array(target.length ** 2), components, scales);

/** What the most probable weights minimise, given the factor of the residuals' covariance and the prior's covariance. */
export function equationsOf({ rows, target, mean }: Regression, residual: Cholesky, prior: Float64Array): Equations {
  const q = mean.length;
  const precision = Cholesky.of(prior, q).inverse();
  const columns = Array.from({ length: q }, (_, j) => residual.solveLower(Float64Array.from(rows, (row) => row[j])));
  const whitened = residual.solveLower(target.slice());
  return {
    gram: columns.map((a, i) => columns.map((b, j) => dot(a, b) + precision[i * q + j])),
    moment: columns.map((a, i) => dot(a, whitened) + dot(precision.subarray(i * q, (i + 1) * q), mean)),
  };
}

/** A diagonal covariance. */
export function diagonal(values: readonly number[]): Float64Array {
  const q = values.length;
  const matrix = new Float64Array(q * q);
  for (const [i, value] of values.entries()) matrix[i * q + i] = value;
  return matrix;
}
