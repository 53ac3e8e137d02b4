import * as tf from '@tensorflow/tfjs-core';
import { runOwn, runOwnOne } from './gradients.js';
import type { OwnKernel } from '../kernels/index.js';
import { hostUniform } from '../kernels/own.js';
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
