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

  /** @param process without observations. */
  constructor(
    private readonly process: GaussianProcess,
    private readonly pool: Encoded,
  ) {
    this.mean = new Float64Array(pool.count);
    this.variance = process.kernel.variances(pool);
  }

  /** To be called after each observation of the process, with its input. */
  follow(of: Encoded, index: number): void {
    const row = this.nextRow(of, index);
    const score = this.process.scores[this.rows.length];
    for (let i = 0; i < row.length; i++) this.mean[i] += row[i] * score;
    lower(this.variance, row);
    this.rows.push(row);
  }

  /** The predictions, if at the candidates of `pending` what is expected were observed as well. */
  predict(pending: Encoded): Prediction {
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

  /** The row of L^-1 K(inputs, pool) of the process's latest observation. */
  private nextRow(of: Encoded, index: number): Float64Array {
    const row = new Float64Array(this.pool.count);
    this.process.kernel.column(of, index, this.pool, row);
    const last = this.process.factor.row(this.rows.length);
    for (const [j, earlier] of this.rows.entries()) {
      const factor = last[j];
      for (let i = 0; i < row.length; i++) row[i] -= factor * earlier[i];
    }
    const scale = 1 / last[this.rows.length];
    for (let i = 0; i < row.length; i++) row[i] *= scale;
    return row;
  }
}

function lower(variance: Float64Array, row: Float64Array): void {
  for (let i = 0; i < row.length; i++) variance[i] = Math.max(smallestVariance, variance[i] - row[i] * row[i]);
}
