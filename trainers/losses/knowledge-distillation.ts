import * as tf from '@tensorflow/tfjs-core';

/**
 * Hinton et al. 2015, "Distilling the Knowledge in a Neural Network": T^2 KL(softmax(teacher / T) || softmax(student / T)),
 * mean over the batch. T^2 keeps the gradient's size independent of the temperature.
 *
 * @param teacher logits [batch, classes], constant
 * @param student logits [batch, classes]
 */
export function knowledgeDistillation(teacher: tf.Tensor, student: tf.Tensor, temperature: number): tf.Tensor {
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const divergence = tf.sum(tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)), 1);
  return tf.mul(tf.mean(divergence), temperature * temperature);
}
