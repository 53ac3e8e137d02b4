/** `confusion[actual][predicted]`: number of images. */
export type Confusion = readonly (readonly number[])[];

export interface Scores {
  /** Share of images whose most likely class is their label, in [0, 1]. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly count: number;
  readonly confusion: Confusion;
  /**
   * Expected calibration error (Guo et al. 2017), in [0, 1]: mean distance of confidence and accuracy over 15 equal bins of
   * confidence, weighted by the number of images in a bin.
   */
  readonly calibrationError: number;
}

/** Scores of one class. A quotient 0 / 0 is NaN. */
export interface ClassScores {
  /** Images of the class. */
  readonly count: number;
  /** Share of the images predicted as the class that belong to it. */
  readonly precision: number;
  /** Share of the class's images that are predicted as it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]): number => total(values) / values.length;

export function classScores(confusion: Confusion): ClassScores[] {
  return confusion.map((row, c) => {
    const [right, count, predicted] = [row[c], total(row), total(confusion.map((other) => other[c]))];
    return { count, precision: right / predicted, recall: right / count, f1: (2 * right) / (count + predicted) };
  });
}

const recalls = (confusion: Confusion): number[] =>
  classScores(confusion).flatMap(({ count, recall }) => (count === 0 ? [] : [recall]));

/** Metrics of a classifier that treat all classes alike, in [0, 1]; the first two as in scikit-learn. */
export const classMetrics = {
  /** Mean recall of the classes that have images. */
  balanced_accuracy: (confusion) => mean(recalls(confusion)),
  /** Mean F1 of the classes that have images or are predicted. */
  macro_f1: (confusion) => mean(classScores(confusion).flatMap(({ f1 }) => (Number.isNaN(f1) ? [] : [f1]))),
  /** Lowest recall of a class that has images. */
  worst_recall: (confusion) => Math.min(...recalls(confusion)),
} as const satisfies Record<string, (confusion: Confusion) => number>;

export type ClassMetric = keyof typeof classMetrics;

export const isClassMetric = (name: string): name is ClassMetric => Object.hasOwn(classMetrics, name);

/** All class metrics of a confusion matrix. */
export const metricsOf = (confusion: Confusion): Readonly<Record<ClassMetric, number>> => ({
  balanced_accuracy: classMetrics.balanced_accuracy(confusion),
  macro_f1: classMetrics.macro_f1(confusion),
  worst_recall: classMetrics.worst_recall(confusion),
});

const bins = 15;

/** Sums the scores of a classifier in float64 image by image: the size of batches does not matter. */
export class Scoreboard {
  private confusion: number[][] = [];
  private loss = 0;
  /** Sum of confidences minus number of right answers, by bin of confidence. */
  private readonly gaps = new Float64Array(bins);

  /** Adds a batch of logits and labels (distributions), both [size, classes]. */
  add(logits: Float32Array, labels: Float32Array, size: number): void {
    const classes = labels.length / size;
    if (this.confusion.length === 0)
      this.confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    for (let start = 0; start < size * classes; start += classes) {
      const row = logits.subarray(start, start + classes);
      const truth = labels.subarray(start, start + classes);
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const logTotal = highest + Math.log(row.reduce((sum, z) => sum + Math.exp(z - highest), 0));
      truth.forEach((y, c) => (this.loss += y * (logTotal - row[c])));
      const [actual, predicted] = [largest(truth), largest(row)];
      this.confusion[actual][predicted]++;
      const confidence = Math.exp(highest - logTotal);
      // Bins are open below and closed above.
      const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
      this.gaps[bin] += confidence - Number(actual === predicted);
    }
  }

  scores(): Scores {
    const { confusion, gaps } = this;
    const count = total(confusion.map(total));
    const right = total(confusion.map((row, i) => row[i]));
    return {
      accuracy: right / count,
      loss: this.loss / count,
      count,
      confusion: confusion.map((row) => [...row]),
      calibrationError: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / count,
    };
  }
}

/** Index of the largest value, the first of equals. */
export function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
