import { Cholesky, dot } from '../../base/linear-algebra.js';
import { minimiseNonNegative, type Equations } from './nnls.js';

/** target = rows w + e with w >= 0, w ~ N(0, prior + details) and noise e; the sizes of details and noise are estimated. */
export interface Regression {
  readonly target: Float64Array;
  readonly rows: readonly Float64Array[];
  /** Covariance of w, row-major, without `details`. */
  readonly prior: Float64Array;
  readonly details: Component;
  readonly noise: Component;
}

export interface Solution {
  readonly weights: readonly number[];
  /** Logarithms of the standard deviations of noise and details. */
  readonly scales: readonly number[];
  /** Each target minus its prediction from all others. */
  readonly leftOut: Float64Array;
  /** Predictive variances of `leftOut`. */
  readonly leftOutVariance: Float64Array;
}

export interface Start {
  /** Initial sizes. */
  readonly scales?: readonly number[];
  /** Keep them. */
  readonly keep?: boolean;
}

/** A P A' for the rows A and a symmetric P, row-major. */
function sandwich(rows: readonly Float64Array[], inner: Float64Array): Float64Array {
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

/**
 * Sizes of maximal evidence (as if weights could be negative), then the most probable non-negative weights (Lawson & Hanson
 * on the whitened rows and the prior).
 */
export function solve(problem: Regression, start: Start = {}): Solution {
  const { target, rows, prior, details, noise } = problem;
  const n = rows.length;
  const all = [noise, { ...details, matrix: sandwich(rows, details.matrix) }];
  const fixed = sandwich(rows, prior);
  const { scales } =
    start.keep === true && start.scales !== undefined
      ? { scales: start.scales }
      : maximiseEvidence(target, fixed, all, start.scales);
  const weights = minimiseNonNegative(equationsOf(problem, scales));
  const inverse = Cholesky.of(combine(fixed, all, scales), n).inverse();
  const leftOutVariance = Float64Array.from({ length: n }, (_, i) => 1 / inverse[i * n + i]);
  const leftOut = Float64Array.from(
    { length: n },
    (_, i) => dot(inverse.subarray(i * n, (i + 1) * n), target) * leftOutVariance[i],
  );
  return { weights, scales, leftOut, leftOutVariance };
}

const noiseOf = ({ noise }: Regression, scales: readonly number[]): Cholesky =>
  Cholesky.of(combine(new Float64Array(noise.matrix.length), [noise], scales), Math.sqrt(noise.matrix.length));

/** The normal equations of the most probable weights. */
function equationsOf(problem: Regression, scales: readonly number[]): Equations {
  const { rows, target, prior, details } = problem;
  const q = rows[0].length;
  const noise = noiseOf(problem, scales);
  const precision = Cholesky.of(combine(prior, [details], scales.slice(1)), q).inverse();
  const columns = Array.from({ length: q }, (_, j) => noise.solveLower(Float64Array.from(rows, (row) => row[j])));
  const whitened = noise.solveLower(target.slice());
  return {
    gram: columns.map((a, i) => columns.map((b, j) => dot(a, b) + precision[i * q + j])),
    moment: columns.map((a) => dot(a, whitened)),
  };
}

/** A diagonal covariance. */
export function diagonal(values: ArrayLike<number>): Float64Array {
  const q = values.length;
  const matrix = new Float64Array(q * q);
  for (let i = 0; i < q; i++) matrix[i * q + i] = values[i];
  return matrix;
}

/** A component of a covariance: exp(2 scale) times `matrix`, with the normal prior of `scale`. */
export interface Component {
  /** Row-major and square. */
  readonly matrix: Float64Array;
  readonly centre: number;
  readonly spread: number;
}

/** fixed + sum of exp(2 scale) matrix. */
function combine(fixed: Float64Array, components: readonly Component[], scales: readonly number[]): Float64Array {
  const sum = fixed.slice();
  for (const [c, { matrix }] of components.entries()) {
    const variance = Math.exp(2 * scales[c]);
    for (let i = 0; i < sum.length; i++) sum[i] += variance * matrix[i];
  }
  return sum;
}

function lossOf(target: Float64Array, covariance: Float64Array): number {
  const factor = Cholesky.of(covariance, target.length);
  const z = factor.solveLower(target.slice());
  return 0.5 * dot(z, z) + 0.5 * factor.logDeterminant();
}

const steps = [1, 0.5, 0.25];
const sweeps = 2;

/**
 * The scales of the components that maximise the evidence of `target` ~ N(0, fixed + components) times their priors (type II
 * maximum likelihood, Rasmussen & Williams 2006, section 5.4), by coordinate search from `start`.
 */
function maximiseEvidence(
  target: Float64Array,
  fixed: Float64Array,
  components: readonly Component[],
  start: readonly number[] = components.map(({ centre }) => centre),
): { readonly scales: readonly number[] } {
  const loss = (scales: readonly number[]): number =>
    lossOf(target, combine(fixed, components, scales)) +
    components.reduce((sum, { centre, spread }, c) => sum + 0.5 * ((scales[c] - centre) / spread) ** 2, 0);
  let best = { scales: start, loss: loss(start) };
  for (const step of steps) {
    for (let sweep = 0; sweep < sweeps; sweep++) {
      const before = best;
      for (const c of components.keys()) {
        for (const change of [step, -step]) {
          const scales = best.scales.with(c, best.scales[c] + change);
          const found = loss(scales);
          if (found >= best.loss) continue;
          best = { scales, loss: found };
          break;
        }
      }
      if (best === before) break;
    }
  }
  return best;
}

/**
 * Each target minus its prediction by a fit to all others, at the same sizes. Leaving a target out is
 * a rank-one change of the normal equations, so each fit takes O(q^2) and a search for non-negative weights of its own,
 * which the closed form for normal weights would ignore.
 */
export function leaveOneOut(problem: Regression, scales: readonly number[]): Float64Array {
  const { rows, target } = problem;
  const n = rows.length;
  const { gram, moment } = equationsOf(problem, scales);
  const precision = noiseOf(problem, scales).inverse();
  return Float64Array.from({ length: n }, (_, i) => {
    const own = precision.subarray(i * n, (i + 1) * n);
    const variance = 1 / own[i];
    const projected = dot(own, target);
    const row = gram.map((_column, j) => rows.reduce((sum, other, k) => sum + own[k] * other[j], 0));
    const weights = minimiseNonNegative({
      gram: gram.map((line, a) => line.map((value, b) => value - row[a] * row[b] * variance)),
      moment: moment.map((value, a) => value - row[a] * projected * variance),
    });
    return (projected - dot(row, weights)) * variance;
  });
}
