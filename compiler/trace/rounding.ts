import * as tf from '@tensorflow/tfjs-core';
import type { Steps } from '../kernels/elementwise/rounding.js';
import { runOwnOne } from './gradients.js';

export type { Steps } from '../kernels/elementwise/rounding.js';

/**
 * Values brought into a range and to the nearest of its steps, halves to even: what a fixed-point number holds. The gradient
 * goes straight through the rounding (Bengio et al. 2013), and is 0 at and beyond the ends of the range. One kernel where
 * a program is compiled, TF.js's own operations elsewhere.
 */
export function rounded(x: tf.Tensor, { low, high, scale }: Steps): tf.Tensor {
  const steps = { low: Math.fround(low), high: Math.fround(high), scale: Math.fround(scale) };
  // The gradient is registered while a program that may differentiate it is traced.
  if (tf.getGradient('NasRounded') as tf.GradConfig | undefined) return runOwnOne('NasRounded', { x }, { ...steps });
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
 * Weights at the nearest of `top` steps on either side of zero, the largest magnitude of each channel being the last step;
 * the gradient goes straight through, to what is rounded and not to its scale.
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
