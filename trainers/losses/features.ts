import * as tf from '@tensorflow/tfjs-core';

/** Keeps the norm of an all-zero map away from 0. */
const epsilon = 1e-12;

/** The spatial attention map of features: mean over channels of the squares, as unit vectors [batch, height x width]. */
function attentionMap(features: tf.Tensor): tf.Tensor {
  const [batch = 1, height = 1, width = 1] = features.shape;
  const map = tf.reshape(tf.mean(tf.square(features), 3), [batch, height * width]);
  return tf.div(map, tf.sqrt(tf.add(tf.sum(tf.square(map), 1, true), epsilon)));
}

/**
 * Zagoruyko & Komodakis 2017, "Paying More Attention to Attention": squared L2 distance between the normalised
 * activation-based attention maps (sum of squares over channels), mean over the batch. Squared as in the authors' code,
 * so that the gradient exists where the maps are equal. Needs no adapter: channels may differ.
 *
 * @param student features [batch, height, width, channels]
 * @param teacher features [batch, height, width, channels'], constant
 */
export function attentionDistance(student: tf.Tensor, teacher: tf.Tensor): tf.Tensor {
  const difference = tf.sub(attentionMap(student), attentionMap(teacher));
  return tf.mean(tf.sum(tf.square(difference), 1));
}

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
