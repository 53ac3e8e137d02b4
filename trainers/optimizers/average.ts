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

/** A moving average of weights. */
export interface AverageConfig {
  /** Largest decay; 0: no average. */
  readonly ema: number;
  /** Whether the average begins with the initial weights, which are trained already; default false: it soon forgets them. */
  readonly averagesStart?: boolean | undefined;
}

/** The decay of the weights' moving average at a step: small at first, where the average forgets random weights. */
export const averageDecay = (step: number, { ema, averagesStart = false }: AverageConfig): number =>
  averagesStart ? ema : Math.min(ema, (1 + step) / (10 + step));
