import { Cholesky } from '../../base/linear-algebra.js';
import type { Encoded } from './encoding.js';
import type { Kernel } from './kernel.js';

/** A set of candidates that grows. */
class GrowingSet implements Encoded {
  count = 0;
  numbers = new Float64Array(0);
  choices = new Int16Array(0);

  constructor(
    readonly width: number,
    readonly decisions: number,
  ) {}

  /** Adds row `index` of a set. */
  push(of: Encoded, index: number): void {
    const { width, decisions, count } = this;
    if ((count + 1) * width > this.numbers.length || (count + 1) * decisions > this.choices.length) {
      const capacity = 2 * (count + 8);
      const [numbers, choices] = [new Float64Array(capacity * width), new Int16Array(capacity * decisions)];
      numbers.set(this.numbers);
      choices.set(this.choices);
      [this.numbers, this.choices] = [numbers, choices];
    }
    this.numbers.set(of.numbers.subarray(index * width, (index + 1) * width), count * width);
    this.choices.set(of.choices.subarray(index * decisions, (index + 1) * decisions), count * decisions);
    this.count++;
  }
}

/** Memory that grows, and is used again from one prediction to the next. */
export class RowMemory {
  private values = new Float64Array(0);

  /** Room for `size` numbers; the first ones stay. */
  of(size: number): Float64Array {
    if (size > this.values.length) {
      const larger = new Float64Array(2 * size);
      larger.set(this.values);
      this.values = larger;
    }
    return this.values;
  }
}

/** Means and variances (of the function, without noise) of each candidate. */
export interface Prediction {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

const smallestVariance = 1e-12;

/**
 * A Gaussian process with mean 0 and fixed hyper-parameters, conditioned incrementally: each observation adds a row to the
 * Cholesky factor L of the covariance matrix and to L^-1 targets (Rasmussen & Williams 2006, ch. 2).
 */
export class GaussianProcess {
  readonly inputs: GrowingSet;
  readonly factor = new Cholesky();
  /** L^-1 targets. */
  readonly scores: number[] = [];
  /** The variance of the noise of each target. */
  private readonly noises: number[] = [];
  /** The terms of each observation, one after the other; see `Kernel.writeTerms`. */
  private readonly terms = new RowMemory();
  private readonly own = new RowMemory();

  constructor(
    readonly kernel: Kernel,
    width: number,
    decisions: number,
  ) {
    this.inputs = new GrowingSet(width, decisions);
  }

  get observations(): number {
    return this.scores.length;
  }

  /**
   * Conditions on a target at row `index` of a set; without a target on the expected value, which only lowers variances.
   * @param extraVariance of the target, beyond the common noise.
   */
  observe(of: Encoded, index: number, target?: number, extraVariance = 0): void {
    const n = this.inputs.count;
    this.inputs.push(of, index);
    const own = this.own.of(n + 1);
    const terms = this.terms.of((n + 1) * this.kernel.stride);
    this.kernel.writeTerms(of, index, terms, n * this.kernel.stride);
    this.kernel.covariances(terms, n * this.kernel.stride, this.inputs, own);
    this.noises[n] = this.kernel.noise + extraVariance;
    this.factor.append(own, own[n] + this.noises[n]);
    const row = this.factor.row(n);
    let expected = 0;
    for (let j = 0; j < n; j++) expected += row[j] * this.scores[j];
    this.scores.push(target === undefined ? 0 : (target - expected) / row[n]);
  }

  /** Forgets all but the first observations. */
  truncate(observations: number): void {
    this.inputs.count = Math.min(this.inputs.count, observations);
    this.factor.truncate(observations);
    this.scores.length = this.inputs.count;
  }

  /** Writes the covariances of an observation with all of a set. */
  covariances(observation: number, of: Encoded, out: Float64Array, from: number): void {
    const { stride } = this.kernel;
    this.kernel.covariances(this.terms.of((observation + 1) * stride), observation * stride, of, out, from);
  }

  /** The part of each target that the process takes for noise: its difference from the mean of the function there. */
  residuals(): Float64Array {
    return this.factor.solveUpper(Float64Array.from(this.scores)).map((weight, i) => weight * this.noises[i]);
  }

  /** The error of the prediction of each target from all others (Rasmussen & Williams 2006, section 5.4.2). */
  leaveOneOut(): Float64Array {
    const { factor, observations } = this;
    const inverse = factor.inverse();
    return factor.solveUpper(Float64Array.from(this.scores)).map((weight, i) => weight / inverse[i * observations + i]);
  }

  /** A function for the mean at one candidate of a set. */
  meanOf(at: Encoded): (candidate: number) => number {
    const weights = this.factor.solveUpper(Float64Array.from(this.scores));
    const column = new Float64Array(weights.length);
    return (candidate) => {
      this.kernel.column(at, candidate, this.inputs, column);
      let sum = 0;
      for (let j = 0; j < weights.length; j++) sum += weights[j] * column[j];
      return sum;
    };
  }
}

/**
 * The predictions of a Gaussian process for a fixed pool, updated as the process observes: each observation is a rank-one
 * correction in O(observations x pool).
 */
export class PoolPosterior {
  /** L^-1 K(inputs, pool), row by row. */
  private rows: Float64Array;
  private known = 0;
  private readonly mean: Float64Array;
  private readonly variance: Float64Array;

  constructor(
    private readonly process: GaussianProcess,
    private readonly pool: Encoded,
    private readonly memory = new RowMemory(),
  ) {
    this.mean = new Float64Array(pool.count);
    this.variance = process.kernel.variances(pool);
    this.rows = memory.of(process.observations * pool.count);
    this.follow();
  }

  /** Adds the process's new observations. */
  follow(): void {
    const { known, process } = this;
    this.addRows();
    for (let i = known; i < this.known; i++) learn(this.mean, process.scores[i], this.rows, i * this.pool.count);
  }

  /** The predictions, as if the candidates of `pending` had been observed at their expected values. */
  predict(pending?: Encoded): Prediction {
    if (pending === undefined || pending.count === 0) return { mean: this.mean, variance: this.variance };
    const { known } = this;
    const variance = this.variance.slice();
    for (let i = 0; i < pending.count; i++) this.process.observe(pending, i);
    this.addRows(variance);
    this.process.truncate(known);
    this.known = known;
    return { mean: this.mean, variance };
  }

  /** Adds the rows of the process's new observations, which lower the variances. */
  private addRows(variance = this.variance): void {
    const { process, pool, known: first } = this;
    const { count } = pool;
    const { observations, factor } = process;
    this.rows = this.memory.of(observations * count);
    const { rows } = this;
    for (let i = first; i < observations; i++) process.covariances(i, pool, rows, i * count);
    let eliminated = 0;
    for (let i = first; i < observations; i++) {
      if ((i - first) % 4 === 0)
        eliminated = i + 4 > observations ? 0 : eliminateFour(rows, count, i, (offset) => factor.row(i + offset));
      eliminate(rows, count, factor.row(i), eliminated);
      lower(variance, rows, i * count);
    }
    this.known = observations;
  }
}

// Asks spend their time in these loops, hence small functions over whole rows, several rows at a time.

/**
 * Subtracts the rows before `first` from the four rows from there on. The rows before are read once for all four.
 * @returns how many rows are subtracted: the largest multiple of four up to `first`
 */
function eliminateFour(
  rows: Float64Array,
  count: number,
  first: number,
  factorsOf: (offset: number) => Float64Array,
): number {
  const [a, b, c, d] = [factorsOf(0), factorsOf(1), factorsOf(2), factorsOf(3)];
  const rowA = first * count;
  const rowB = rowA + count;
  const rowC = rowB + count;
  const rowD = rowC + count;
  let j = 0;
  for (; j + 4 <= first; j += 4) {
    const [a0, a1, a2, a3] = [a[j], a[j + 1], a[j + 2], a[j + 3]];
    const [b0, b1, b2, b3] = [b[j], b[j + 1], b[j + 2], b[j + 3]];
    const [c0, c1, c2, c3] = [c[j], c[j + 1], c[j + 2], c[j + 3]];
    const [d0, d1, d2, d3] = [d[j], d[j + 1], d[j + 2], d[j + 3]];
    for (let i = 0, at = j * count; i < count; i++, at++) {
      const x0 = rows[at];
      const x1 = rows[at + count];
      const x2 = rows[at + 2 * count];
      const x3 = rows[at + 3 * count];
      rows[rowA + i] -= a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
      rows[rowB + i] -= b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
      rows[rowC + i] -= c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3;
      rows[rowD + i] -= d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3;
    }
  }
  return j;
}

/** Solves for the row of the last observation. The first `from` rows are subtracted from it already. */
function eliminate(rows: Float64Array, count: number, factors: Float64Array, from: number): void {
  const last = factors.length - 1;
  const row = last * count;
  let j = from;
  for (; j + 4 <= last; j += 4) {
    const [f0, f1, f2, f3] = [factors[j], factors[j + 1], factors[j + 2], factors[j + 3]];
    for (let i = 0, at = j * count; i < count; i++, at++)
      rows[row + i] -= f0 * rows[at] + f1 * rows[at + count] + f2 * rows[at + 2 * count] + f3 * rows[at + 3 * count];
  }
  for (; j < last; j++) for (let i = 0; i < count; i++) rows[row + i] -= factors[j] * rows[j * count + i];
  const scale = 1 / factors[last];
  for (let i = 0; i < count; i++) rows[row + i] *= scale;
}

function learn(mean: Float64Array, score: number, rows: Float64Array, at: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] += score * rows[at + i];
}

function lower(variance: Float64Array, rows: Float64Array, at: number): void {
  for (let i = 0; i < variance.length; i++) {
    const row = rows[at + i];
    const left = variance[i] - row * row;
    variance[i] = left > smallestVariance ? left : smallestVariance;
  }
}
