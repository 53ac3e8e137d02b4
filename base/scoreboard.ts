import type { LearningTask } from './task.js';
import {
  mean,
  meanOfKnown,
  scoresFrom,
  total,
  type ClassDetails,
  type Details,
  type LabelDetails,
  type LabelScores,
  type NumberDetails,
  type Scores,
} from './scores.js';

const bins = 15;

/** Collects the scores of a network, image by image: the size of batches does not matter. */
export interface Scoreboard<D extends Details = Details> {
  /** Adds a batch of outputs and targets, both [size, outputs]. */
  add(outputs: Float32Array, targets: Float32Array, size: number): void;
  scores(): Scores<D>;
}

/** @param outputs number of classes, labels or numbers */
export function createScoreboard(task: LearningTask, outputs: number): Scoreboard {
  switch (task.type) {
    case 'classification':
      return new ClassScoreboard();
    case 'multi-label':
      return new LabelScoreboard(outputs);
    case 'regression':
      return new NumberScoreboard(task.std);
  }
}

/** Sums in float64. Targets are distributions. */
export class ClassScoreboard implements Scoreboard<ClassDetails> {
  private confusion: number[][] = [];
  private loss = 0;
  /** Of each bin of confidence: sum of confidences minus number of right answers. */
  private readonly gaps = new Float64Array(bins);

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

  scores(): Scores<ClassDetails> {
    const { confusion, gaps } = this;
    const count = total(confusion.map(total));
    const right = total(confusion.map((row, i) => row[i]));
    return {
      accuracy: right / count,
      loss: this.loss / count,
      count,
      details: {
        type: 'classification',
        confusion: confusion.map((row) => [...row]),
        calibrationError: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / count,
      },
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
    const labels = this.logits.map((logits, label) => labelScores(logits, this.targets[label]));
    const [{ length: count }] = this.logits;
    return {
      accuracy: meanOfKnown(labels.map(({ averagePrecision }) => averagePrecision)),
      loss: this.loss / (count * this.count),
      count,
      details: { type: 'multi-label', labels },
    };
  }
}

function labelScores(logits: readonly number[], targets: readonly boolean[]): LabelScores {
  const predicted = logits.filter((z) => z > 0).length;
  const right = logits.filter((z, i) => z > 0 && targets[i]).length;
  const count = targets.filter((target) => target).length;
  return { ...scoresFrom({ count, predicted, right }), averagePrecision: averagePrecision(logits, targets) };
}

/** Mean over the images with the label of the precision among images with at least their logit; null without such images. */
function averagePrecision(logits: readonly number[], targets: readonly boolean[]): number | null {
  const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a]);
  let [found, sum] = [0, 0];
  for (let start = 0, end = 0; start < order.length; start = end) {
    // Images with equal logits have one place.
    while (end < order.length && logits[order[end]] === logits[order[start]]) end++;
    const here = order.slice(start, end).filter((i) => targets[i]).length;
    found += here;
    sum += (here * found) / end;
  }
  return found === 0 ? null : sum / found;
}

/** Sums of one number, scaled. */
interface NumberSums {
  target: number;
  targetSquare: number;
  error: number;
  errorSquare: number;
  huber: number;
}

/** Sums in float64. */
class NumberScoreboard implements Scoreboard<NumberDetails> {
  private readonly sums: readonly NumberSums[];
  private count = 0;

  /** @param std of each number: outputs and targets are divided by it */
  constructor(private readonly std: readonly number[]) {
    this.sums = std.map(() => ({ target: 0, targetSquare: 0, error: 0, errorSquare: 0, huber: 0 }));
  }

  add(outputs: Float32Array, targets: Float32Array, size: number): void {
    this.count += size;
    outputs.forEach((output, at) => {
      const sums = this.sums[at % this.std.length];
      const [target, error] = [targets[at], output - targets[at]];
      sums.target += target;
      sums.targetSquare += target * target;
      sums.error += Math.abs(error);
      sums.errorSquare += error * error;
      const inner = Math.min(Math.abs(error), 1);
      sums.huber += inner * (Math.abs(error) - inner / 2);
    });
  }

  scores(): Scores<NumberDetails> {
    const { sums, std, count } = this;
    const numbers = sums.map(({ target, targetSquare, error, errorSquare }, k) => {
      const spread = targetSquare - (target * target) / count;
      return {
        mae: (std[k] * error) / count,
        rmse: std[k] * Math.sqrt(errorSquare / count),
        // Of constant targets, as in scikit-learn.
        r2: spread > 1e-12 * count ? 1 - errorSquare / spread : Number(errorSquare === 0),
      };
    });
    return {
      accuracy: mean(numbers.map(({ r2 }) => r2)),
      loss: mean(sums.map(({ huber }) => huber / count)),
      count,
      details: { type: 'regression', numbers },
    };
  }
}

/** Index of the largest value, the first of equals. */
export function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
