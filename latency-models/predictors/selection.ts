import { dot } from './regression.js';

/** What a linear model of the candidates makes of them. */
export interface View {
  /** One row of features for each candidate, in coordinates in which the prior of the weights is standard normal. */
  readonly rows: readonly ArrayLike<number>[];
  /** Variance of the measurement noise. */
  readonly noise: number;
  /** How likely this model is the right one; 1 by default. */
  readonly probability?: number;
}

/**
 * The indices of the `count` candidates whose measurement tells most: greedy D-optimal design (the expected gain of
 * information) by pivoted Cholesky of the rows' Gram matrix; of several models, in the mean over them. Deterministic; the
 * first of equals wins. O(n q count + n count^2).
 */
export function selectDiverse(views: readonly View[], count: number): number[] {
  const open = views.map((view) => new Uncertainty(view));
  const candidates = new Set(views[0].rows.keys());
  const taken: number[] = [];
  while (taken.length < count && candidates.size > 0) {
    let [pivot, most] = [-1, -Infinity];
    for (const i of candidates) {
      const gain = open.reduce((sum, view, k) => sum + (views[k].probability ?? 1) * view.gain(i), 0);
      if (gain > most) [pivot, most] = [i, gain];
    }
    for (const view of open) view.measure(pivot);
    candidates.delete(pivot);
    taken.push(pivot);
  }
  return taken;
}

/** What a model does not know of the candidates. */
class Uncertainty {
  /** The variance of each candidate given those that were measured. */
  private readonly variances: Float64Array;
  private readonly factor: Float64Array[] = [];

  constructor(private readonly view: View) {
    this.variances = Float64Array.from(view.rows, (row) => dot(row, row));
  }

  /** Twice the information that a measurement of the candidate gives. */
  gain(i: number): number {
    return Math.log1p(this.variances[i] / this.view.noise);
  }

  measure(pivot: number): void {
    const { variances, factor } = this;
    const { rows, noise } = this.view;
    const scale = Math.sqrt(variances[pivot] + noise);
    const column = Float64Array.from(rows, (row) => dot(row, rows[pivot]));
    for (const earlier of factor) {
      const weight = earlier[pivot];
      for (let i = 0; i < column.length; i++) column[i] -= earlier[i] * weight;
    }
    for (let i = 0; i < column.length; i++) {
      column[i] /= scale;
      variances[i] = Math.max(0, variances[i] - column[i] ** 2);
    }
    factor.push(column);
  }
}
