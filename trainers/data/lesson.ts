import type { TaskType } from '../../base/task.js';
import type { Augmentation } from './augment/schema.js';

/**
 * What the cache of a teacher's answers holds of an image. Students see views of their own. `mean`: the mean answer to several views.
 * `still`: the answer to the image as it is, which moves along with it.
 */
type Lesson = 'mean' | 'still';

/** The mean is true of an image in any small view; a map belongs to the places of one view. */
export const lessons: { readonly [T in TaskType]: Lesson } = {
  classification: 'mean',
  'multi-label': 'mean',
  regression: 'mean',
  detection: 'still',
  centroids: 'still',
  segmentation: 'still',
};

/** Views of an image, side by side in a batch: a power of two, so that a batch holds all views of its images. */
const [fewestViews, mostViews] = [4, 16];
/** Answers that a teacher gives in all, where its images are few. */
const usualAnswers = 16_000;

/** The number of views of each image whose answers are averaged: more, where images are few. */
export function averagedViews(images: number, augment: Augmentation): number {
  if (augment.length === 0) return 1;
  const wanted = Math.min(mostViews, Math.max(fewestViews, usualAnswers / Math.max(1, images)));
  return 2 ** Math.round(Math.log2(wanted));
}

type Row = Float32Array;

const weightedSum = (rows: readonly Row[], weights: readonly number[]): Row =>
  rows[0].map((_, i) => rows.reduce((sum, row, k) => sum + weights[k] * row[i], 0));

const toLog = (p: number): number => Math.log(Math.max(p, 1e-12));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function softmax(row: Row): Row {
  const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((x) => Math.exp(x - most));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}

const ofProbabilities = (rows: readonly Row[], weights: readonly number[]): Row =>
  weightedSum(rows.map(softmax), weights).map(toLog);

/**
 * The mixture of answers, as logits or numbers: of probabilities, in the same way as labels are mixed. Weights sum to 1.
 */
export const mixedAnswers: { readonly [T in TaskType]: (rows: readonly Row[], weights: readonly number[]) => Row } = {
  classification: ofProbabilities,
  'multi-label': (rows, weights) =>
    weightedSum(
      rows.map((row) => row.map(sigmoid)),
      weights,
    ).map((p) => toLog(p) - toLog(1 - p)),
  regression: weightedSum,
  detection: weightedSum,
  centroids: weightedSum,
  segmentation: ofProbabilities,
};

/**
 * The mean of the answers of several teachers, each [count, outputs], as logits or numbers.
 * @param outputs of an image, or of a cell of a map
 */
export function averagedAnswers(task: TaskType, answers: readonly Float32Array[], outputs: number): Float32Array {
  const mean = new Float32Array(answers[0].length);
  const weights = answers.map(() => 1 / answers.length);
  for (let at = 0; at < mean.length; at += outputs)
    mean.set(
      mixedAnswers[task](
        answers.map((all) => all.subarray(at, at + outputs)),
        weights,
      ),
      at,
    );
  return mean;
}

/** The mean of each `size` rows [count * size, outputs] that follow each other: [count, outputs]. */
export function meanOfRows(rows: Float32Array, size: number, outputs: number): Float32Array {
  if (size === 1) return rows;
  const means = new Float32Array(rows.length / size);
  for (const [i, value] of rows.entries())
    means[Math.floor(i / (size * outputs)) * outputs + (i % outputs)] += value / size;
  return means;
}
