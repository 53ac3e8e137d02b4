import * as tf from '@tensorflow/tfjs-core';

/**
 * Cross-entropy between soft labels and the softmax of logits, mean over the batch; with label smoothing (Szegedy et
 * al. 2016) the labels become (1 - smoothing) y + smoothing / classes.
 *
 * @param labels [batch, classes], each row a distribution (one-hot, or a mixture under mixup)
 * @param logits [batch, classes]
 * @param smoothing in [0, 1]
 */
export function crossEntropy(labels: tf.Tensor, logits: tf.Tensor, smoothing = 0): tf.Tensor {
  const classes = logits.shape[1] ?? 1;
  const targets = smoothing === 0 ? labels : tf.add(tf.mul(labels, 1 - smoothing), smoothing / classes);
  return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
}
