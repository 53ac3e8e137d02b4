import type { LearningTask } from './task.js';
import {
  meanOfKnown,
  scoresFrom,
  type ClassDetails,
  type Details,
  type LabelDetails,
  type LabelScores,
  type NumberDetails,
  type NumberScores,
  type Scores,
  type WrongImage,
} from './scores.js';
import { mean, sum } from './statistics.js';
import { dot } from './linear-algebra.js';

const bins = 15;

/** Collects the scores of a network, image by image: the size of batches does not matter. */
export interface Scoreboard<D extends Details = Details> {
  /** Adds a batch of outputs and targets, both [size, outputs]. */
  add(outputs: Float32Array, targets: Float32Array, size: number): void;
  scores(): Scores<D>;
}

/**
 * @param outputs number of classes, labels or numbers
 * @param keepsWrong whether the scores name the images that are taken for another class
 */
export function createScoreboard(task: LearningTask, outputs: number, keepsWrong = false): Scoreboard {
  switch (task.type) {
    case 'classification':
      return new ClassScoreboard(keepsWrong);
    case 'multi-label':
      return new LabelScoreboard(outputs);
    case 'regression':
      return new NumberScoreboard(task.std);
    case 'detection':
    case 'centroids':
    case 'segmentation':
      throw new Error('boxes and masks are scored by images, not by rows of outputs');
  }
}

/**
 * Standard error by the infinitesimal jackknife (Jaeckel 1972), which is the delete-one jackknife in the limit.
 * @param derivatives of the score by the weight of each image
 */
export const jackknife = (derivatives: Float64Array): number => Math.sqrt(dot(derivatives, derivatives));

/** Sums in float64. Targets are distributions. */
export class ClassScoreboard implements Scoreboard<ClassDetails> {
  private images = 0;
  private confusion: number[][] = [];
  private loss = 0;
  /** Of each bin of confidence: sum of confidences minus number of right answers. */
  private readonly gaps = new Float64Array(bins);

  private readonly wrong: WrongImage[] = [];

  constructor(private readonly keepsWrong = false) {}

  add(logits: Float32Array, labels: Float32Array, size: number): void {
    const classes = labels.length / size;
    if (this.confusion.length === 0)
      this.confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    for (let start = 0; start < size * classes; start += classes) {
      const row = logits.subarray(start, start + classes);
      const truth = labels.subarray(start, start + classes);
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const logTotal = highest + Math.log(row.reduce((total, z) => total + Math.exp(z - highest), 0));
      truth.forEach((y, c) => (this.loss += y * (logTotal - row[c])));
      const [actual, predicted] = [largest(truth), largest(row)];
      this.confusion[actual][predicted]++;
      const confidence = Math.exp(highest - logTotal);
      // Bins are open below and closed above.
      const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
      this.gaps[bin] += confidence - Number(actual === predicted);
      if (this.keepsWrong && actual !== predicted)
        this.wrong.push({ row: this.images, actual, predicted, probability: confidence });
      this.images++;
    }
  }

  scores(): Scores<ClassDetails> {
    const { confusion, gaps } = this;
    const count = sum(confusion.map(sum));
    const right = sum(confusion.map((row, i) => row[i]));
    return {
      accuracy: right / count,
      loss: this.loss / count,
      count,
      details: {
        type: 'classification',
        confusion: confusion.map((row) => [...row]),
        calibrationError: gaps.reduce((total, gap) => total + Math.abs(gap), 0) / count,
      },
      ...(this.keepsWrong && { wrong: this.wrong }),
    };
  }
}

/** Keeps all logits and targets (0 or 1): average precision ranks all images. */
class LabelScoreboard implements Scoreboard<LabelDetails> {
  private readonly logits: number[][];
  private readonly targets: boolean[][];
  private loss = 0;

  constructor(private readonly count: number) {
    this.logits = Array.from({ length: count }, () => []);
    this.targets = Array.from({ length: count }, () => []);
  }

  add(logits: Float32Array, targets: Float32Array): void {
    logits.forEach((z, at) => {
      const label = at % this.count;
      this.loss += Math.max(z, 0) - z * targets[at] + Math.log1p(Math.exp(-Math.abs(z)));
      this.logits[label].push(z);
      this.targets[label].push(targets[at] > 0.5);
    });
  }

  scores(): Scores<LabelDetails> {
    const [{ length: count }] = this.logits;
    // Derivatives of both means by the weight of each image.
    const [byPrecision, byF1] = [new Float64Array(count), new Float64Array(count)];
    const found = this.logits.map((logits, label) => labelScores(logits, this.targets[label]));
    const labels = found.map(({ scores }) => scores);
    const known = labels.map((own) => [own.averagePrecision, own.f1].map((score) => Number(score !== null)));
    const [precisions, f1s] = [0, 1].map((which) => sum(known.map((each) => each[which])));
    for (const { precision, f1 } of found)
      for (let i = 0; i < count; i++) {
        byPrecision[i] += precision[i] / Math.max(1, precisions);
        byF1[i] += f1[i] / Math.max(1, f1s);
      }
    return {
      accuracy: meanOfKnown(labels.map((own) => own.averagePrecision)),
      loss: this.loss / (count * this.count),
      count,
      details: {
        type: 'multi-label',
        labels,
        errors: { score: jackknife(byPrecision), macro_f1: jackknife(byF1) },
      },
    };
  }
}

/** The scores of a label, and the derivatives of its average precision and its F1 by the weight of each image. */
interface LabelResult {
  readonly scores: LabelScores;
  readonly precision: Float64Array;
  readonly f1: Float64Array;
}

function labelScores(logits: readonly number[], targets: readonly boolean[]): LabelResult {
  const predicted = logits.filter((z) => z > 0).length;
  const right = logits.filter((z, i) => z > 0 && targets[i]).length;
  const count = targets.filter((target) => target).length;
  const { value, derivatives } = averagePrecision(logits, targets, count);
  const errors = { averagePrecision: jackknife(derivatives) };
  const scores = { ...scoresFrom({ count, predicted, right }), averagePrecision: value, errors };
  const f1 = Float64Array.from(logits, (z, i) => {
    const [taken, has] = [Number(z > 0), Number(targets[i])];
    return scores.f1 === null ? 0 : (2 * taken * has - scores.f1 * (taken + has)) / (count + predicted);
  });
  return { scores, precision: derivatives, f1 };
}

/**
 * Mean over the images with the label of the precision among images with at least their logit; null without such images. Its
 * derivatives are by the weight of each image.
 */
function averagePrecision(logits: readonly number[], targets: readonly boolean[], count: number) {
  const derivatives = new Float64Array(logits.length);
  if (count === 0) return { value: null, derivatives };
  const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a]);
  // Images with equal logits have one place.
  const places: { readonly start: number; readonly end: number; readonly here: number; readonly found: number }[] = [];
  let [found, total] = [0, 0];
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && logits[order[end]] === logits[order[start]]) end++;
    const here = order.slice(start, end).filter((i) => targets[i]).length;
    found += here;
    total += (here * found) / end;
    places.push({ start, end, here, found });
  }
  const value = total / found;
  // Sums over the images with the label at this place and below it.
  let [shares, precisions] = [0, 0];
  for (const { start, end, here, found: above } of places.reverse()) {
    const precision = above / end;
    shares += here / end;
    precisions += (here * precision) / end;
    for (const i of order.slice(start, end))
      derivatives[i] = ((targets[i] ? precision - value + shares : 0) - precisions) / count;
  }
  return { value, derivatives };
}

/** Sums in float64. */
class NumberScoreboard implements Scoreboard<NumberDetails> {
  /** Of each number, of all images, scaled. */
  private readonly errors: readonly number[][];
  private readonly targets: readonly number[][];

  /** @param std of each number: outputs and targets are divided by it */
  constructor(private readonly std: readonly number[]) {
    [this.errors, this.targets] = [std.map(() => []), std.map(() => [])];
  }

  add(outputs: Float32Array, targets: Float32Array): void {
    outputs.forEach((output, at) => {
      const k = at % this.std.length;
      this.errors[k].push(output - targets[at]);
      this.targets[k].push(targets[at]);
    });
  }

  scores(): Scores<NumberDetails> {
    const found = this.std.map((_, k) => this.scoresOf(k));
    const numbers = found.map(({ scores }) => scores);
    /** Of the mean over the numbers. */
    const errorOf = (score: 'mae' | 'r2'): number =>
      jackknife(found[0].derivatives[score].map((_, i) => mean(found.map((own) => own.derivatives[score][i]))));
    const huber = (error: number): number => {
      const inner = Math.min(Math.abs(error), 1);
      return inner * (Math.abs(error) - inner / 2);
    };
    return {
      accuracy: mean(numbers.map(({ r2 }) => r2)),
      loss: mean(this.errors.map((own) => mean(own.map(huber)))),
      count: this.errors[0].length,
      details: { type: 'regression', numbers, errors: { score: errorOf('r2'), mae: errorOf('mae') } },
    };
  }

  /** The scores of one number, and their derivatives by the weight of each image. */
  private scoresOf(k: number) {
    const [std, errors, targets] = [this.std[k], this.errors[k], this.targets[k]];
    const count = errors.length;
    const average = mean(targets);
    const squares = targets.map((target) => (target - average) ** 2);
    const [mae, square, variance] = [mean(errors.map(Math.abs)), mean(errors.map((e) => e * e)), mean(squares)];
    const root = Math.sqrt(square);
    // Of constant targets, as in scikit-learn.
    const isConstant = variance <= 1e-12;
    const r2 = isConstant ? Number(square === 0) : 1 - square / variance;
    const derivatives = {
      mae: Float64Array.from(errors, (e) => (std * (Math.abs(e) - mae)) / count),
      rmse: Float64Array.from(errors, (e) => (root === 0 ? 0 : (std * (e * e - square)) / (2 * root * count))),
      r2: Float64Array.from(errors, (e, i) => (isConstant ? 0 : ((1 - r2) * squares[i] - e * e) / (variance * count))),
    };
    const standardErrors = {
      mae: jackknife(derivatives.mae),
      rmse: jackknife(derivatives.rmse),
      r2: jackknife(derivatives.r2),
    };
    const scores: NumberScores = { mae: std * mae, rmse: std * root, r2, errors: standardErrors };
    return { scores, derivatives };
  }
}

/** Index of the largest value, the first of equals. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
