import * as tf from '@tensorflow/tfjs-core';
import { runOwn } from './gradients.js';

/** A batch, normalised, and what it was normalised by. */
export interface NormalizedBatch {
  readonly y: tf.Tensor;
  /** Mean and population variance of each channel over the batch, [channels]. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * Batch normalisation of images [batch, height, width, channels] by the batch's own statistics, as in training: one
 * kernel with a short gradient where a program is compiled, TF.js's own operations elsewhere.
 */
export function normalizeBatch(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): NormalizedBatch {
  // The gradient is registered while a program that may differentiate it is traced.
  if (tf.getGradient('NasBatchNorm') as tf.GradConfig | undefined) {
    const [y, mean, variance] = [runOwn('NasBatchNorm', { x, gamma, beta }, { epsilon })].flat();
    return { y, mean, variance };
  }
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const y = tf.batchNorm(x, mean, variance, beta, gamma, epsilon);
  return { y, mean, variance };
}
