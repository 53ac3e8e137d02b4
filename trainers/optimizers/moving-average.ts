import * as tf from '@tensorflow/tfjs-core';

/**
 * One step of an exponential moving average (Polyak & Juditsky 1992): average = decay average + (1 - decay) value.
 * Used for weights and for batch norm's statistics alike.
 *
 * @param decay a scalar tensor: an input of the step (see `averageDecay`)
 */
export function moveAverage(
  pairs: readonly (readonly [average: tf.Variable, value: tf.Variable])[],
  decay: tf.Tensor,
): void {
  tf.tidy(() => {
    const share = tf.sub(1, decay);
    for (const [average, value] of pairs) average.assign(tf.add(tf.mul(average, decay), tf.mul(value, share)));
  });
}
