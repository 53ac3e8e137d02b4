import * as tf from '@tensorflow/tfjs-core';
import { runOwn, runOwnOne } from './gradients.js';
import type { OwnKernel } from '../kernels/index.js';
import { hostUniform, type Steps } from '../kernels/own.js';
import { invalidInput } from '../../base/errors.js';
import { hash32 } from '../../base/random.js';
import { sizeOf } from '../graph/index.js';
import { backendName } from './backend.js';

/** A normalised batch and its statistics. */
export interface NormalizedBatch {
  readonly y: tf.Tensor;
  /** Mean and population variance of each channel over the batch, [channels]. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** Whether a program is traced that may differentiate this kernel: its gradient is registered only then. */
const isTraced = (kernel: OwnKernel): boolean => (tf.getGradient(kernel) as tf.GradConfig | undefined) !== undefined;

/**
 * Batch normalisation of images [batch, height, width, channels] by the batch's own statistics, as in training: one kernel
 * with a short gradient in a compiled program, TF.js's own operations elsewhere.
 */
export function normalizeBatch(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): NormalizedBatch {
  if (isTraced('NasBatchNorm')) {
    const [y, mean, variance] = [runOwn('NasBatchNorm', { x, gamma, beta }, { epsilon })].flat();
    return { y, mean, variance };
  }
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const y = tf.batchNorm(x, mean, variance, beta, gamma, epsilon);
  return { y, mean, variance };
}

export type { Steps } from '../kernels/own.js';

/**
 * Fixed-point values: clipped to a range and rounded to the nearest step, halves to even. The gradient passes straight
 * through the rounding (Bengio et al. 2013) and is 0 at and beyond the ends of the range. One kernel in a compiled program,
 * TF.js's own operations elsewhere.
 */
export function rounded(x: tf.Tensor, { low, high, scale }: Steps): tf.Tensor {
  const steps = { low: Math.fround(low), high: Math.fround(high), scale: Math.fround(scale) };
  if (isTraced('NasRounded')) return runOwnOne('NasRounded', { x }, { ...steps });
  const apply = tf.customGrad((...inputs) => {
    const [value, save] = inputs as [tf.Tensor, tf.GradSaveFunc];
    save([value]);
    const inverse = Math.fround(1 / steps.scale);
    const whole = tf.round(tf.mul(tf.clipByValue(value, steps.low, steps.high), inverse));
    const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]): tf.Tensor =>
      tf.mul(dy, tf.cast(tf.logicalAnd(tf.greater(saved, steps.low), tf.less(saved, steps.high)), 'float32'));
    return { value: tf.mul(whole, steps.scale), gradFunc };
  });
  return apply(x);
}

/**
 * Rounds weights to `top` steps on either side of zero; the last step is the largest magnitude of the channel. The gradient
 * passes straight through to the weights and not to the scale.
 * @param axis of the channels
 */
export function roundedByChannel(weights: tf.Tensor, axis: number, top: number): tf.Tensor {
  const others = weights.shape.map((_, i) => i).filter((i) => i !== axis);
  const apply = tf.customGrad((...inputs) => {
    const [w] = inputs as [tf.Tensor];
    // Channels of zeros stay zeros.
    const step = tf.maximum(tf.div(tf.max(tf.abs(w), others, true), top), smallest);
    return { value: tf.mul(tf.round(tf.div(w, step)), step), gradFunc: (dy: tf.Tensor) => dy };
  });
  return apply(weights);
}

const smallest = 1e-30;

/** The 32-bit seed of one step's noise. */
export const noiseSeed = (seed: number, step: number): number => hash32(seed, step);

interface EagerStream {
  readonly seed: number;
  site: number;
}
let eager: EagerStream | null = null;

/**
 * Noise in [0, 1), float32. It differs between calls and between steps, and is the same for the same (seed, step), in a
 * compiled program and eagerly inside `withNoise`.
 * @throws NasError outside of both.
 */
export function uniform(shape: readonly number[]): tf.Tensor {
  if (tf.getBackend() === backendName) return runOwnOne('NasUniform', {}, { shape: [...shape] });
  if (!eager)
    throw invalidInput('uniform() was called outside a compiled function', {
      hint: 'Call it inside a function given to compile(), or run the function with withNoise().',
    });
  return tf.tensor(hostUniform(eager.seed, eager.site++, sizeOf(shape)), [...shape], 'float32');
}

/** Runs a function eagerly with the noise that the compiled function draws at this step. */
export function withNoise<T>(options: { readonly seed: number; readonly step: number }, f: () => T): T {
  const outer = eager;
  eager = { seed: noiseSeed(options.seed, options.step), site: 0 };
  try {
    return f();
  } finally {
    eager = outer;
  }
}

/**
 * Whether all magnitudes in some tensors are below a bound, as a boolean scalar; false where one is NaN. A compiled program
 * passes once over all tensors together.
 */
export function allBelow(tensors: readonly tf.Tensor[], bound: number): tf.Tensor {
  if (tf.getBackend() === backendName)
    return runOwnOne('NasAllBelow', Object.fromEntries(tensors.map((tensor, i) => [i, tensor])), { bound });
  return tf.tidy(() => {
    const least = tensors.map((tensor) => tf.min(tf.cast(tf.less(tf.abs(tensor), bound), 'float32')));
    return tf.greater(tf.min(tf.stack(least)), 0);
  });
}
