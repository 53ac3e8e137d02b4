import * as tf from '@tensorflow/tfjs-core';
import type { TaskType } from '../../base/task.js';
import type { Loss } from '../schema/loss.js';
import { centroidLoss, detectionLoss, mapDistillation } from './detection.js';

/** The inputs of a loss. */
export interface LossInputs {
  /** Targets [batch, outputs]: soft labels, or scaled numbers. A detector has the targets of `detectionLoss`, a segmenter soft labels of cells. */
  readonly labels: tf.Tensor;
  /** The student's outputs [batch, outputs]: logits, or scaled numbers. Detectors and segmenters have maps. */
  readonly logits: tf.Tensor;
  /** The teacher's outputs, as the student's; null without a teacher. */
  readonly teacher: tf.Tensor | null;
}

function teacherOf({ teacher }: LossInputs): tf.Tensor {
  if (teacher === null) throw new Error('a distillation loss was given no teacher logits');
  return teacher;
}

/** The configured loss, a scalar: TF.js operations that read no data, so it runs eagerly and traces. */
export function totalLoss(loss: Loss, inputs: LossInputs): tf.Scalar {
  const { labels, logits } = inputs;
  if (loss.task === 'segmentation') return segmentationLoss(loss, inputs);
  const labelLoss = labelTerm(loss, labels, logits);
  if (loss.type === 'cross-entropy') return labelLoss as tf.Scalar;
  const teacher = teacherOf(inputs);
  const weights = imageWeights(loss, labels);
  const targets = withAnswers(loss, labels, teacher);
  const { task = 'classification' } = loss;
  const terms =
    loss.type === 'kd'
      ? [
          tf.mul(labelLoss, 1 - loss.alpha),
          tf.mul(distances[task](teacher, logits, loss.temperature, weights), loss.alpha),
        ]
      : [labelLoss, decoupledDistillation(targets, teacher, logits, loss, weights)];
  // Every term is a mean over all elements.
  return terms.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
}

/**
 * The loss of a segmenter: each cell counts as an image, by its share of pixels that are not ignored. With Dice and images of rare classes
 * repeated, the IoU of the defects of magnetic tiles was 9 points higher.
 */
function segmentationLoss(loss: Loss, inputs: LossInputs): tf.Scalar {
  const [labels, logits] = [cellRows(inputs.labels), cellRows(inputs.logits)];
  const rows = crossEntropy(labels, logits, { ...loss, smoothing: loss.label_smoothing, unlabelled: true });
  const own: tf.Scalar = tf.add(rows, diceLoss(labels, logits));
  if (loss.type !== 'kd') return own;
  // Outside of images, a view has no answers.
  const weights = imageWeights({ ...loss, unlabelled: undefined }, labels) ?? tf.sum(labels, 1);
  const taught = knowledgeDistillation(cellRows(teacherOf(inputs)), logits, loss.temperature, weights);
  return tf.add(tf.mul(own, 1 - loss.alpha), tf.mul(taught, loss.alpha));
}

/** Share of each image that has a label, [batch, 1]: 1 or 0; between them where one with a label is mixed with one without. */
const labelledShare = (labels: tf.Tensor): tf.Tensor => tf.sum(labels, 1, true);

/** The labels, with the teacher's answer in place of a missing one. */
export const withAnswers = ({ unlabelled }: Loss, labels: tf.Tensor, teacher: tf.Tensor | null): tf.Tensor =>
  unlabelled !== true || teacher === null
    ? labels
    : tf.add(labels, tf.mul(tf.sub(1, labelledShare(labels)), tf.softmax(teacher)));

/**
 * Weight of each image by its label, [batch]; 1 without a label; null when all are equal. It also weighs the teacher's answers:
 * weights act as if the images were there more or less often.
 */
export function imageWeights({ classWeights, unlabelled }: Loss, labels: tf.Tensor): tf.Tensor | null {
  if (classWeights === undefined) return null;
  const weights = tf.sum(tf.mul(labels, tf.tensor1d([...classWeights])), 1);
  return unlabelled === true ? tf.add(weights, tf.reshape(tf.sub(1, labelledShare(labels)), [-1])) : weights;
}

/** The mean over a batch of values [batch] with weights. */
const meanOf = (values: tf.Tensor, weights: tf.Tensor | null): tf.Tensor =>
  tf.mean(weights === null ? values : tf.mul(values, weights));

/**
 * The loss on labels, 0 for images without one.
 */
function labelTerm(loss: Loss, labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const { task, label_smoothing: smoothing } = loss;
  if (task === 'multi-label') return binaryCrossEntropy(labels, logits, smoothing);
  if (task === 'regression') return huberLoss(labels, logits);
  if (task === 'detection') return detectionLoss(labels, logits);
  if (task === 'centroids') return centroidLoss(labels, logits);
  return crossEntropy(labels, logits, { ...loss, smoothing });
}

/** Maps [batch, rows, columns, classes] as rows [cells, classes]. */
const cellRows = (maps: tf.Tensor): tf.Tensor => tf.reshape(maps, [-1, maps.shape[3] ?? 1]);

/**
 * The loss of Dice (Milletari et al. 2016), mean over the classes: 1 - (2 sum p y + 1) / (sum p + sum y + 1), where the sums are over all cells. It
 * weighs classes alike, however few cells they have; ignored shares of cells do not count.
 *
 * @param labels [cells, classes], rows may sum to less than 1
 * @param logits [cells, classes]
 */
export function diceLoss(labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const p = tf.mul(tf.softmax(logits), labelledShare(labels));
  const both = tf.sum(tf.mul(p, labels), 0);
  const either = tf.add(tf.sum(p, 0), tf.sum(labels, 0));
  return tf.sub(1, tf.mean(tf.div(tf.add(tf.mul(both, 2), 1), tf.add(either, 1))));
}

export interface CrossEntropyOptions {
  /** Label smoothing (Szegedy et al. 2016) in [0, 1]: labels become (1 - smoothing) y + smoothing / classes; default 0. */
  readonly smoothing?: number;
  /** Factor of each class's term; default 1. */
  readonly classWeights?: readonly number[] | undefined;
  /** Rows of labels may sum to less than 1: 0 for an image without a label. */
  readonly unlabelled?: boolean | undefined;
}

/**
 * Cross-entropy between soft labels and the softmax of logits, mean over the batch: -sum of w y log p, PyTorch's
 * `cross_entropy(logits, labels, weight, label_smoothing)` with probabilities as labels.
 *
 * @param labels [batch, classes], each row a distribution (one-hot, or a mixture under mixup)
 * @param logits [batch, classes]
 */
export function crossEntropy(
  labels: tf.Tensor,
  logits: tf.Tensor,
  { smoothing = 0, classWeights, unlabelled = false }: CrossEntropyOptions = {},
): tf.Tensor {
  const classes = logits.shape[1] ?? 1;
  const spread = unlabelled ? tf.mul(labelledShare(labels), smoothing / classes) : smoothing / classes;
  const smoothed = smoothing === 0 ? labels : tf.add(tf.mul(labels, 1 - smoothing), spread);
  const targets = classWeights === undefined ? smoothed : tf.mul(smoothed, tf.tensor1d([...classWeights]));
  return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
}

/**
 * Binary cross-entropy between soft labels and the sigmoid of logits, mean over the batch and the labels: PyTorch's
 * `binary_cross_entropy_with_logits`.
 *
 * @param labels [batch, labels], in [0, 1]; smoothing s makes them (1 - s) y + s / 2
 * @param logits [batch, labels]
 */
export function binaryCrossEntropy(labels: tf.Tensor, logits: tf.Tensor, smoothing = 0): tf.Tensor {
  const targets = smoothing === 0 ? labels : tf.add(tf.mul(labels, 1 - smoothing), smoothing / 2);
  // -log sigmoid(z) = softplus(-z)
  return tf.mean(tf.sub(tf.softplus(logits), tf.mul(targets, logits)));
}

/**
 * The loss of Huber (1964) with delta 1, mean over all elements of [batch, outputs]: half the squared error, but the error minus a
 * half where it is above 1. Its gradient is bounded, so the rates for cross-entropy suit it, and outliers count less. PyTorch's
 * `huber_loss`.
 */
export function huberLoss(targets: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  const error = tf.abs(tf.sub(targets, outputs));
  const inner = tf.minimum(error, 1);
  return tf.mean(tf.mul(inner, tf.sub(error, tf.mul(inner, 0.5))));
}

/** The distance of a student's outputs from a teacher's. */
type Distance = (teacher: tf.Tensor, student: tf.Tensor, temperature: number, weights: tf.Tensor | null) => tf.Tensor;

/**
 * `knowledgeDistillation` with a sigmoid for each label, mean over labels: T^2 KL(sigmoid(teacher / T) || sigmoid(student / T)).
 */
export const binaryDistillation: Distance = (teacher, student, temperature) => {
  const [t, s] = [tf.div(teacher, temperature), tf.div(student, temperature)];
  const p = tf.sigmoid(t);
  const entropyOf = (z: tf.Tensor): tf.Tensor => tf.mean(tf.sub(tf.softplus(z), tf.mul(p, z)));
  return tf.mul(tf.sub(entropyOf(s), entropyOf(t)), temperature * temperature);
};

const distances: { readonly [T in TaskType]: Distance } = {
  classification: (...inputs) => knowledgeDistillation(...inputs),
  'multi-label': binaryDistillation,
  regression: (teacher, student) => huberLoss(teacher, student),
  detection: (teacher, student) => mapDistillation(teacher, student, 'detection'),
  centroids: (teacher, student) => mapDistillation(teacher, student, 'centroids'),
  segmentation: (...inputs) => knowledgeDistillation(...inputs),
};

/**
 * Hinton et al. 2015, "Distilling the Knowledge in a Neural Network": T^2 KL(softmax(teacher / T) || softmax(student / T)),
 * mean over the batch. T^2 keeps the gradient's size independent of the temperature.
 *
 * @param teacher logits [batch, classes], constant
 * @param student logits [batch, classes]
 * @param weights [batch], of the images; null: all 1
 */
export function knowledgeDistillation(
  teacher: tf.Tensor,
  student: tf.Tensor,
  temperature: number,
  weights: tf.Tensor | null = null,
): tf.Tensor {
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const divergence = tf.sum(tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)), 1);
  return tf.mul(meanOf(divergence, weights), temperature * temperature);
}

/** Subtracted from the target's logit to exclude it from a softmax: exp underflows to 0 in float32. */
const excluded = 1000;

/** Log-probabilities for decoupled distillation, from logits divided by the temperature. */
interface Decoupled {
  /** log of the target's probability, [batch, 1]. */
  readonly target: tf.Tensor;
  /** log of the total probability of the other classes, [batch, 1]. */
  readonly others: tf.Tensor;
  /** log-probabilities among the other classes, [batch, classes]; meaningless where `mask` is 1. */
  readonly among: tf.Tensor;
}

function decouple(logits: tf.Tensor, mask: tf.Tensor, rest: tf.Tensor): Decoupled {
  const classes = logits.shape[1] ?? 1;
  const all = tf.logSoftmax(logits);
  const among = tf.logSoftmax(tf.sub(logits, tf.mul(mask, excluded)));
  const target = tf.sum(tf.mul(mask, all), 1, true);
  // For any other class, log p = log(1 - p_target) + log p among the others; computing 1 - p_target would cancel.
  const others = tf.div(tf.sum(tf.mul(rest, tf.sub(all, among)), 1, true), classes - 1);
  return { target, others, among };
}

/**
 * Zhao et al. 2022, "Decoupled Knowledge Distillation": T^2 (alpha TCKD + beta NCKD), mean over the batch. TCKD is the
 * divergence of (target, not target), NCKD that of the distributions among the other classes. The target is the class
 * with the largest label, so it is defined under mixup, too.
 *
 * @param labels [batch, classes]
 * @param teacher logits [batch, classes], constant
 * @param student logits [batch, classes]
 * @param weights [batch], of the images; null: all 1
 */
export function decoupledDistillation(
  labels: tf.Tensor,
  teacher: tf.Tensor,
  student: tf.Tensor,
  { temperature, alpha, beta }: { readonly temperature: number; readonly alpha: number; readonly beta: number },
  weights: tf.Tensor | null = null,
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
  // One row for each image, like the sums.
  const rows = weights === null ? null : tf.reshape(weights, [-1, 1]);
  return tf.mul(meanOf(sum, rows), temperature * temperature);
}
