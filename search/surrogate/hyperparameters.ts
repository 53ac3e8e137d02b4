import { Cholesky } from '../../base/linear-algebra.js';
import type { Encoded } from './encoding.js';
import { Kernel, layoutOf, type KernelShape } from './kernel.js';
import { minimize } from './minimize.js';

interface Prior {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/**
 * Normal priors of the logarithms, for standardised targets: they keep a fit to a dozen trials sensible, and few data
 * cannot give every number a rate of its own.
 */
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

/** What was observed of the networks of a set, on a standard scale. */
export interface Observations {
  readonly targets: Float64Array;
  /** Variances of the targets beyond the noise that all have. */
  readonly doubts: Float64Array;
}

/** The covariance matrix of observations: row-major, lower triangle and diagonal. */
export function covariance(kernel: Kernel, set: Encoded, doubts: Float64Array): Float64Array {
  const matrix = new Float64Array(set.count * set.count);
  for (let i = 0; i < set.count; i++) {
    kernel.column(set, i, set, matrix.subarray(i * set.count, (i + 1) * set.count));
    matrix[i * set.count + i] += kernel.noise + doubts[i];
  }
  return matrix;
}

/** The negative logarithm of (marginal likelihood x prior), up to a constant, with its gradient. */
export function negativeLogPosterior(
  shape: KernelShape,
  set: Encoded,
  { targets, doubts }: Observations,
  theta: Float64Array,
  gradient: Float64Array,
): number {
  const n = set.count;
  const kernel = new Kernel(shape, theta);
  const factor = Cholesky.of(covariance(kernel, set, doubts), n);
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

/** The most probable hyper-parameters for standardised targets (type-II maximum a posteriori). */
export const fitHyperparameters = (shape: KernelShape, set: Encoded, observations: Observations): Float64Array =>
  minimize((theta, gradient) => negativeLogPosterior(shape, set, observations, theta, gradient), priorOf(shape).mean, {
    evaluations: 40,
    tolerance: 1e-2,
    reach: 1,
  });
