import * as tf from '@tensorflow/tfjs-core';

/**
 * One step of an exponential moving average (Polyak & Juditsky 1992): average = decay average + (1 - decay) value.
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

/** The decay of the weights' moving average at a step: small at first, so that the average forgets the random weights. */
export const averageDecay = (step: number, decay: number): number => Math.min(decay, (1 + step) / (10 + step));
