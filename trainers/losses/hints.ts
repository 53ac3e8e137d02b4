import * as tf from '@tensorflow/tfjs-core';

/**
 * Romero et al. 2015, "FitNets": squared error between the student's adapted features and the teacher's, mean over all
 * elements (the paper sums and halves; the mean keeps the weight comparable between resolutions and widths).
 *
 * @param adapted the student's features after the adapter, [batch, height, width, channels]
 * @param teacher the teacher's features, same shape, constant
 */
export function hintDistance(adapted: tf.Tensor, teacher: tf.Tensor): tf.Tensor {
  return tf.mean(tf.square(tf.sub(adapted, teacher)));
}
