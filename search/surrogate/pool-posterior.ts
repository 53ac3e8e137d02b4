import type { Encoded } from './encoding.js';
import { smallestVariance, type GaussianProcess, type Prediction } from './gaussian-process.js';

/**
 * The predictions of a Gaussian process for a pool that stays the same, kept up while the process observes: each
 * observation is a rank-one correction, O(observations x pool).
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

  /** Takes in what the process has observed since. */
  follow(): void {
    const { process, rows } = this;
    for (let i = rows.length; i < process.observations; i++) {
      const row = this.nextRow(process.inputs, i);
      subtract(this.mean, -process.scores[i], row);
      lower(this.variance, row);
      rows.push(row);
    }
  }

  /** The predictions, if at the candidates of `pending` what is expected were observed as well. */
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

  /** The row of L^-1 K(inputs, pool) of the process's observation after those that are known. */
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

// Small functions over whole rows, several rows at a time: these loops are what an ask takes its time for.

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
