import { Cholesky, dot } from '../../base/linear-algebra.js';
import type { Encoded } from './encoding.js';
import { Kernel, layoutOf, type KernelShape } from './kernel.js';

interface Prior {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Normal priors of the logarithms, for standardised targets; they regularise a fit to a dozen trials. */
export function priorOf(shape: KernelShape): Prior {
  const { noise, rates, size } = layoutOf(shape);
  const mean = new Float64Array(size);
  const deviation = new Float64Array(size).fill(0.5);
  mean.set([-0.7, -0.4, -1.2, -1.2]);
  deviation.set([0.8, 0.8, 0.8, 0.8]);
  mean[noise] = -2.5;
  deviation[noise] = 0.7;
  mean.set([0.7, 0], rates);
  deviation.set([0.7, 0.7], rates);
  return { mean, deviation };
}

interface Observations {
  readonly targets: Float64Array;
  /** Variances of single targets beyond the common noise. */
  readonly extraVariances: Float64Array;
}

/** The covariance matrix of observations: row-major, lower triangle and diagonal. */
export function covariance(kernel: Kernel, set: Encoded, extraVariances: Float64Array): Float64Array {
  const matrix = new Float64Array(set.count * set.count);
  for (let i = 0; i < set.count; i++) {
    kernel.column(set, i, set, matrix.subarray(i * set.count, (i + 1) * set.count));
    matrix[i * set.count + i] += kernel.noise + extraVariances[i];
  }
  return matrix;
}

/** The negative logarithm of (marginal likelihood x prior), up to a constant; writes its gradient. */
export function negativeLogPosterior(
  shape: KernelShape,
  set: Encoded,
  { targets, extraVariances }: Observations,
  theta: Float64Array,
  gradient: Float64Array,
): number {
  const n = set.count;
  const kernel = new Kernel(shape, theta);
  const factor = Cholesky.of(covariance(kernel, set, extraVariances), n);
  const alpha = factor.solve(targets.slice());
  const weights = factor.inverse();
  let fit = 0;
  for (let i = 0; i < n; i++) {
    fit += targets[i] * alpha[i];
    for (let j = 0; j < n; j++) weights[i * n + j] = 0.5 * (weights[i * n + j] - alpha[i] * alpha[j]);
  }
  gradient.fill(0);
  kernel.backward(set, weights, gradient);
  const { mean, deviation } = priorOf(shape);
  let value = 0.5 * fit + 0.5 * factor.logDeterminant();
  for (let k = 0; k < theta.length; k++) {
    const z = (theta[k] - mean[k]) / deviation[k];
    value += 0.5 * z * z;
    gradient[k] += z / deviation[k];
  }
  return value;
}

/** Type-II maximum a posteriori hyper-parameters for standardised targets. */
export const fitHyperparameters = (shape: KernelShape, set: Encoded, observations: Observations): Float64Array =>
  minimize((theta, gradient) => negativeLogPosterior(shape, set, observations, theta, gradient), priorOf(shape).mean, {
    evaluations: 40,
    tolerance: 1e-2,
    reach: 1,
  });

/** Returns the value of a function at `x`, and writes its gradient. */
type Differentiable = (x: Float64Array, gradient: Float64Array) => number;

interface MinimizeOptions {
  /** Most evaluations of the function. */
  readonly evaluations: number;
  /** Ends when a step gains less than this. */
  readonly tolerance: number;
  /** Longest step in any coordinate. */
  readonly reach: number;
}

/** The BFGS update of the inverse Hessian for a step s with gradient change y (Nocedal & Wright 2006, eq. 6.17). */
function update(inverse: Float64Array, s: Float64Array, y: Float64Array): void {
  const n = s.length;
  const curvature = dot(s, y);
  if (!(curvature > 1e-12)) return;
  const hy = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) hy[i] += inverse[i * n + j] * y[j];
  const scale = (1 + dot(y, hy) / curvature) / curvature;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) inverse[i * n + j] += scale * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / curvature;
  }
}

const identity = (n: number): Float64Array => {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
};

/** A local minimum by BFGS with backtracking (Armijo's rule). */
function minimize(f: Differentiable, start: Float64Array, options: MinimizeOptions): Float64Array {
  const n = start.length;
  let x = start.slice();
  let gradient = new Float64Array(n);
  let value = f(x, gradient);
  const inverse = identity(n);
  for (let used = 1; used < options.evaluations;) {
    const direction = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) direction[i] -= inverse[i * n + j] * gradient[j];
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      inverse.set(identity(n));
      direction.set(gradient.map((g) => -g));
      slope = -dot(gradient, gradient);
      if (slope === 0) break;
    }
    let step = Math.min(1, options.reach / direction.reduce((most, d) => Math.max(most, Math.abs(d)), 1e-300));
    const next = new Float64Array(n);
    const nextGradient = new Float64Array(n);
    let nextValue = Infinity;
    while (used < options.evaluations) {
      for (let i = 0; i < n; i++) next[i] = x[i] + step * direction[i];
      nextValue = f(next, nextGradient);
      used++;
      if (nextValue <= value + 1e-4 * step * slope) break;
      step /= 3;
    }
    if (!(nextValue < value)) break;
    update(
      inverse,
      next.map((v, i) => v - x[i]),
      nextGradient.map((v, i) => v - gradient[i]),
    );
    const gained = value - nextValue;
    [x, gradient, value] = [next, nextGradient, nextValue];
    if (gained < options.tolerance) break;
  }
  return x;
}
