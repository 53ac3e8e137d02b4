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
    const own = new Float64Array(n + 1);
    this.kernel.column(of, index, this.inputs, own);
    this.factor.append(own.subarray(0, n), own[n] + this.kernel.noise + extraVariance);
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
  private readonly rows: Float64Array[] = [];
  private readonly mean: Float64Array;
  private readonly variance: Float64Array;

  constructor(
    private readonly process: GaussianProcess,
    private readonly pool: Encoded,
  ) {
    this.mean = new Float64Array(pool.count);
    this.variance = process.kernel.variances(pool);
    this.follow();
  }

  /** Adds the process's new observations. */
  follow(): void {
    const { process, rows } = this;
    for (let i = rows.length; i < process.observations; i++) {
      const row = this.nextRow(process.inputs, i);
      subtract(this.mean, -process.scores[i], row);
      lower(this.variance, row);
      rows.push(row);
    }
  }

  /** The predictions, as if the candidates of `pending` had been observed at their expected values. */
  predict(pending?: Encoded): Prediction {
    if (pending === undefined || pending.count === 0) return { mean: this.mean, variance: this.variance };
    const known = this.rows.length;
    const variance = this.variance.slice();
    for (let i = 0; i < pending.count; i++) {
      this.process.observe(pending, i);
      const row = this.nextRow(pending, i);
      lower(variance, row);
      this.rows.push(row);
    }
    this.process.truncate(known);
    this.rows.length = known;
    return { mean: this.mean, variance };
  }

  /** The next row of L^-1 K(inputs, pool). */
  private nextRow(of: Encoded, index: number): Float64Array {
    const row = new Float64Array(this.pool.count);
    this.process.kernel.column(of, index, this.pool, row);
    const last = this.process.factor.row(this.rows.length);
    const { rows } = this;
    const fours = rows.length - (rows.length % 4);
    for (let j = 0; j < fours; j += 4) subtractFour(row, last, j, rows[j], rows[j + 1], rows[j + 2], rows[j + 3]);
    for (let j = fours; j < rows.length; j++) subtract(row, last[j], rows[j]);
    scale(row, 1 / last[rows.length]);
    return row;
  }
}

// Asks spend their time in these loops, hence small functions over whole rows, several rows at a time.

function subtractFour(
  row: Float64Array,
  factors: Float64Array,
  first: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
): void {
  const [fa, fb, fc, fd] = [factors[first], factors[first + 1], factors[first + 2], factors[first + 3]];
  for (let i = 0; i < row.length; i++) row[i] -= fa * a[i] + fb * b[i] + fc * c[i] + fd * d[i];
}

function subtract(row: Float64Array, factor: number, other: Float64Array): void {
  for (let i = 0; i < row.length; i++) row[i] -= factor * other[i];
}

function scale(row: Float64Array, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i] *= factor;
}

function lower(variance: Float64Array, row: Float64Array): void {
  for (let i = 0; i < row.length; i++) variance[i] = Math.max(smallestVariance, variance[i] - row[i] * row[i]);
}
