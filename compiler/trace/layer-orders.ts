import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';

/** The flag of TF.js that says of how many models it keeps the order. */
const limit = 'TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES';

/**
 * Empties TF.js's cache of the order in which layers of models run. It holds the last hundred models that ran, each
 * with all of its layers, disposed or not; a trace runs a model once and has no use for it.
 */
export function forgetLayerOrders(): void {
  const models = tf.env().getNumber(limit);
  tf.env().set(limit, 0);
  tf.env().set(limit, models);
}
