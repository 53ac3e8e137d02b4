import * as tf from '@tensorflow/tfjs-core';
import { backendName } from './backend.js';
import { runOwnOne } from './gradients.js';

/**
 * Whether the magnitudes of all numbers of some tensors are below a bound, as a boolean scalar; not so where one is NaN.
 * Compiled, one pass over all tensors together, in whatever order they are stored.
 */
export function allBelow(tensors: readonly tf.Tensor[], bound: number): tf.Tensor {
  if (tf.getBackend() === backendName)
    return runOwnOne('NasAllBelow', Object.fromEntries(tensors.map((tensor, i) => [i, tensor])), { bound });
  return tf.tidy(() => {
    const least = tensors.map((tensor) => tf.min(tf.cast(tf.less(tf.abs(tensor), bound), 'float32')));
    return tf.greater(tf.min(tf.stack(least)), 0);
  });
}
