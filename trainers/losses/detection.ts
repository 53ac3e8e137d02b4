import * as tf from '@tensorflow/tfjs-core';
import { boxValues, sizeRange } from '../../base/detections.js';
import type { BoxTask } from '../../base/task.js';

/** Weight of the boxes beside the classes. */
export const boxWeight = 2;

/** Keeps a quotient of areas finite. */
const smallest = 1e-7;

type Cells = tf.Tensor;

/** The last axis of `x` from `begin`. */
const channels = (x: Cells, begin: number, size: number): Cells => tf.slice(x, [0, 0, 0, begin], [-1, -1, -1, size]);

interface Parts {
  /** [batch, rows, columns, 1]: class, -1 for background, -2 where the loss ignores the cell. */
  readonly label: Cells;
  /** [batch, rows, columns, 1]: 1 for a cell with an object. */
  readonly positive: Cells;
  /** Number of positive cells of the batch, at least 1. */
  readonly positives: tf.Tensor;
}

function partsOf(targets: Cells): Parts {
  const label = channels(targets, 0, 1);
  const positive = tf.cast(tf.greater(label, -0.5), 'float32');
  return { label, positive, positives: tf.maximum(tf.sum(positive), 1) };
}

/** 1 at the class of each positive cell, [batch, rows, columns, classes]. */
const oneHot = (label: Cells, classes: number): Cells =>
  tf.cast(tf.equal(label, tf.tensor1d(Array.from({ length: classes }, (_, i) => i))), 'float32');

/** Focal loss with gamma 2 (Lin et al. 2017) of all classes in all cells that are not ignored, by the number of positive cells. */
function focalLoss({ label, positives }: Parts, logits: Cells): tf.Scalar {
  const y = oneHot(label, logits.shape[3] ?? 1);
  const counted = tf.cast(tf.greater(label, -1.5), 'float32');
  const p = tf.sigmoid(logits);
  // -log sigmoid(z) = softplus(-z)
  const present = tf.mul(tf.square(tf.sub(1, p)), tf.softplus(tf.neg(logits)));
  const absent = tf.mul(tf.square(p), tf.softplus(logits));
  const terms = tf.add(tf.mul(y, present), tf.mul(tf.sub(1, y), absent));
  return tf.div(tf.sum(tf.mul(terms, counted)), positives);
}

interface Corners {
  readonly low: Cells;
  readonly high: Cells;
  readonly area: Cells;
}

const product = (sides: Cells): Cells => tf.mul(channels(sides, 0, 1), channels(sides, 1, 1));

function cornersOf(centre: Cells, sides: Cells): Corners {
  const half = tf.mul(sides, 0.5);
  return { low: tf.sub(centre, half), high: tf.add(centre, half), area: product(sides) };
}

/** Generalised intersection over union (Rezatofighi et al. 2019) of two boxes a cell, [batch, rows, columns, 1]. */
function generalisedIou(a: Corners, b: Corners): Cells {
  const shared = product(tf.relu(tf.sub(tf.minimum(a.high, b.high), tf.maximum(a.low, b.low))));
  const union = tf.sub(tf.add(a.area, b.area), shared);
  const hull = product(tf.sub(tf.maximum(a.high, b.high), tf.minimum(a.low, b.low)));
  const iou = tf.div(shared, tf.add(union, smallest));
  return tf.sub(iou, tf.div(tf.sub(hull, union), tf.add(hull, smallest)));
}

/** The boxes of outputs: dx, dy, log width, log height. */
const answered = (outputs: Cells): Corners =>
  cornersOf(channels(outputs, 0, 2), tf.exp(tf.clipByValue(channels(outputs, 2, 2), ...sizeRange)));

/** The sum of 1 - GIoU over the cells, each with a weight. */
const boxLoss = (weights: Cells, wanted: Corners, found: Corners): tf.Tensor =>
  tf.sum(tf.mul(weights, tf.sub(1, generalisedIou(found, wanted))));

const { detection: valuesOfBox } = boxValues;

/** The focal loss of classes alone. @param targets as of `detectionLoss` @param outputs [batch, rows, columns, classes] */
export const centroidLoss = (targets: tf.Tensor, outputs: tf.Tensor): tf.Scalar => focalLoss(partsOf(targets), outputs);

/**
 * The loss of a detector as FCOS (Tian et al. 2019), without centre-ness: focal loss of classes, and twice the distance of boxes.
 *
 * @param targets [batch, rows, columns, 5]: class (-1: background, -2: ignored), dx, dy, width, height in cells from the cell's centre
 * @param outputs [batch, rows, columns, classes + 4]: logits, dx, dy, log width, log height
 */
export function detectionLoss(targets: tf.Tensor, outputs: tf.Tensor): tf.Scalar {
  const classes = (outputs.shape[3] ?? 0) - valuesOfBox;
  const parts = partsOf(targets);
  const focal = focalLoss(parts, channels(outputs, 0, classes));
  const wanted = cornersOf(channels(targets, 1, 2), channels(targets, 3, 2));
  const boxes = boxLoss(parts.positive, wanted, answered(channels(outputs, classes, valuesOfBox)));
  return tf.add(focal, tf.mul(tf.div(boxes, parts.positives), boxWeight));
}

/**
 * Distillation of maps: `detectionLoss`, or `centroidLoss`, with a teacher's maps as soft labels. The term of classes is the quality focal loss of Li et al.
 * 2020: |p - q|² times the cross-entropy between the teacher's probabilities p and the student's q. The term of boxes weighs each cell by
 * the square of the teacher's largest probability, so that thousands of cells of background count little. The sum of the weights
 * divides both terms.
 *
 * @param teacher as `outputs` of `detectionLoss` or `centroidLoss`, constant
 */
export function mapDistillation(teacher: tf.Tensor, student: tf.Tensor, task: BoxTask): tf.Tensor {
  const classes = (student.shape[3] ?? 0) - boxValues[task];
  const logits = channels(student, 0, classes);
  const p = tf.sigmoid(channels(teacher, 0, classes));
  const weights = tf.square(tf.max(p, 3, true));
  // -p log q - (1 - p) log(1 - q)
  const entropy = tf.sub(tf.softplus(logits), tf.mul(p, logits));
  const focal = tf.sum(tf.mul(tf.square(tf.sub(p, tf.sigmoid(logits))), entropy));
  const total = tf.maximum(tf.sum(weights), 1);
  if (task === 'centroids') return tf.div(focal, total);
  const [wanted, found] = [teacher, student].map((maps) => answered(channels(maps, classes, valuesOfBox)));
  const both = tf.add(focal, tf.mul(boxLoss(weights, wanted, found), boxWeight));
  return tf.div(both, total);
}

/** The sum over the images of the share of positive cells whose largest logit is the one of their class; 1 without such cells. */
export const detectionScore = (targets: tf.Tensor, outputs: tf.Tensor): tf.Tensor =>
  centroidScore(targets, channels(outputs, 0, (outputs.shape[3] ?? 0) - valuesOfBox));

/** `detectionScore` of logits alone. */
export function centroidScore(targets: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const { label, positive } = partsOf(targets);
  const own = tf.sum(tf.mul(logits, oneHot(label, logits.shape[3] ?? 1)), 3, true);
  const right = tf.mul(positive, tf.cast(tf.greaterEqual(own, tf.max(logits, 3, true)), 'float32'));
  const [hits, all] = [right, positive].map((cells) => tf.sum(cells, [1, 2, 3]));
  const none = tf.cast(tf.equal(all, 0), 'float32');
  return tf.sum(tf.div(tf.add(hits, none), tf.add(all, none)));
}
