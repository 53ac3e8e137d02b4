import { sum } from '../../../base/statistics.js';
import type { Loss } from '../../../trainers/schema/loss.js';

type Row = readonly number[];

/** Targets, and the outputs of student and teacher, of one image. */
interface Outputs {
  readonly labels: Row;
  readonly logits: Row;
  readonly teacher: Row;
}

const dot = (a: Row, b: Row): number => sum(a.map((value, i) => value * b[i]));
const mean = (values: Row): number => sum(values) / values.length;
const scaled = (values: Row, factor: number): Row => values.map((value) => value * factor);
const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function logSoftmax(z: Row): Row {
  const most = Math.max(...z);
  const total = Math.log(sum(z.map((value) => Math.exp(value - most))));
  return z.map((value) => value - most - total);
}

/** sum of p (log p - log q), of logarithms. */
const divergence = (p: Row, q: Row): number =>
  dot(
    p.map(Math.exp),
    p.map((value, i) => value - q[i]),
  );

function crossEntropy(loss: Loss, { labels, logits }: Outputs): number {
  const { label_smoothing: smoothing, classWeights } = loss;
  const spread = ((loss.unlabelled === true ? sum(labels) : 1) * smoothing) / labels.length;
  return -sum(
    logSoftmax(logits).map((value, c) => (labels[c] * (1 - smoothing) + spread) * (classWeights?.[c] ?? 1) * value),
  );
}

const binaryCrossEntropy = ({ label_smoothing: smoothing }: Loss, { labels, logits }: Outputs): number =>
  mean(
    logits.map((z, c) => {
      const target = labels[c] * (1 - smoothing) + smoothing / 2;
      return target * softplus(-z) + (1 - target) * softplus(z);
    }),
  );

const huber = (targets: Row, outputs: Row): number =>
  mean(
    outputs.map((z, c) => {
      const error = Math.abs(z - targets[c]);
      return error < 1 ? error ** 2 / 2 : error - 0.5;
    }),
  );

function labelLoss(loss: Loss, outputs: Outputs): number {
  if (loss.task === 'multi-label') return binaryCrossEntropy(loss, outputs);
  return loss.task === 'regression' ? huber(outputs.labels, outputs.logits) : crossEntropy(loss, outputs);
}

/** How far an image's answers are from the teacher's, with its weight. */
function distance(loss: Loss, temperature: number, { labels, logits, teacher }: Outputs): number {
  const [s, t] = [logits, teacher].map((z) => scaled(z, 1 / temperature));
  if (loss.task === 'regression') return huber(teacher, logits);
  if (loss.task === 'multi-label') {
    const entropy = (z: Row): number => mean(z.map((value, c) => softplus(value) - sigmoid(t[c]) * value));
    return temperature ** 2 * (entropy(s) - entropy(t));
  }
  return temperature ** 2 * imageWeight(loss, labels) * divergence(logSoftmax(t), logSoftmax(s));
}

function imageWeight({ classWeights, unlabelled }: Loss, labels: Row): number {
  if (classWeights === undefined) return 1;
  return dot(labels, classWeights) + (unlabelled === true ? 1 - sum(labels) : 0);
}

function decoupled(loss: Loss & { readonly type: 'dkd' }, { labels, logits, teacher }: Outputs): number {
  const { temperature, alpha, beta } = loss;
  const answers = scaled(logSoftmax(teacher).map(Math.exp), loss.unlabelled === true ? 1 - sum(labels) : 0);
  const targets = labels.map((label, c) => label + answers[c]);
  const target = targets.indexOf(Math.max(...targets));
  const [s, t] = [logits, teacher].map((z) => {
    const others = scaled(z, 1 / temperature).filter((_, c) => c !== target);
    const all = logSoftmax(scaled(z, 1 / temperature));
    return { pair: [all[target], Math.log(1 - Math.exp(all[target]))], among: logSoftmax(others) };
  });
  const distance = alpha * divergence(t.pair, s.pair) + beta * divergence(t.among, s.among);
  return temperature ** 2 * imageWeight(loss, labels) * distance;
}

/** The loss of one image, in float64; that of a batch is the mean (`totalLoss`). */
export function doubleLoss(loss: Loss, outputs: Outputs): number {
  const own = labelLoss(loss, outputs);
  if (loss.type === 'cross-entropy') return own;
  if (loss.type === 'dkd') return own + decoupled(loss, outputs);
  return (1 - loss.alpha) * own + loss.alpha * distance(loss, loss.temperature, outputs);
}

/** The gradient of a batch's loss at the logits, by differences. */
export function logitGradients(
  loss: Loss,
  { labels, teacher }: { readonly labels: Float32Array; readonly teacher: Float32Array },
  logits: Float64Array,
  classes: number,
): Float64Array {
  const step = 1e-5;
  return logits.map((_, i) => {
    const image = i - (i % classes);
    const row = (values: ArrayLike<number>): number[] => Array.from({ length: classes }, (_, c) => values[image + c]);
    const at = (shift: number): number => {
      const own = row(logits);
      own[i % classes] += shift;
      return doubleLoss(loss, { labels: row(labels), logits: own, teacher: row(teacher) });
    };
    return (at(step) - at(-step)) / (2 * step) / (logits.length / classes);
  });
}
