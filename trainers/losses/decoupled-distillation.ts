import * as tf from '@tensorflow/tfjs-core';

/** Subtracted from the target's logit to leave it out of a softmax: exp underflows to 0 in float32. */
const excluded = 1000;

/** Log-probabilities that decoupled distillation compares, from logits that are divided by the temperature already. */
interface Decoupled {
  /** log of the target's probability, [batch, 1]. */
  readonly target: tf.Tensor;
  /** log of all other classes' probability together, [batch, 1]. */
  readonly others: tf.Tensor;
  /** log-probabilities among the other classes, [batch, classes]; meaningless where `mask` is 1. */
  readonly among: tf.Tensor;
}

function decouple(logits: tf.Tensor, mask: tf.Tensor, rest: tf.Tensor): Decoupled {
  const classes = logits.shape[1] ?? 1;
  const all = tf.logSoftmax(logits);
  const among = tf.logSoftmax(tf.sub(logits, tf.mul(mask, excluded)));
  const target = tf.sum(tf.mul(mask, all), 1, true);
  // For every other class, log p = log(1 - p_target) + log p among the others: no 1 - p_target that could cancel.
  const others = tf.div(tf.sum(tf.mul(rest, tf.sub(all, among)), 1, true), classes - 1);
  return { target, others, among };
}

/**
 * Zhao et al. 2022, "Decoupled Knowledge Distillation": T^2 (alpha TCKD + beta NCKD), mean over the batch. TCKD is the
 * divergence of (target, not target), NCKD that of the distributions among the other classes. The target is the class
 * with the largest label, so that it stays defined under mixup.
 *
 * @param labels [batch, classes]
 * @param teacher logits [batch, classes], constant
 * @param student logits [batch, classes]
 */
export function decoupledDistillation(
  labels: tf.Tensor,
  teacher: tf.Tensor,
  student: tf.Tensor,
  { temperature, alpha, beta }: { readonly temperature: number; readonly alpha: number; readonly beta: number },
): tf.Tensor {
  const mask = tf.cast(tf.oneHot(tf.argMax(labels, 1), labels.shape[1] ?? 1), 'float32');
  const rest = tf.sub(1, mask);
  const t = decouple(tf.div(teacher, temperature), mask, rest);
  const s = decouple(tf.div(student, temperature), mask, rest);
  const targetClass = tf.add(
    tf.mul(tf.exp(t.target), tf.sub(t.target, s.target)),
    tf.mul(tf.exp(t.others), tf.sub(t.others, s.others)),
  );
  const otherClasses = tf.sum(tf.mul(rest, tf.mul(tf.exp(t.among), tf.sub(t.among, s.among))), 1, true);
  const sum = tf.add(tf.mul(targetClass, alpha), tf.mul(otherClasses, beta));
  return tf.mul(tf.mean(sum), temperature * temperature);
}
