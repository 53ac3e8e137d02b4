import { dot } from './regression.js';

/**
 * The indices of the `count` rows whose measurement tells most about a linear model of the columns: greedy D-optimal
 * design by pivoted Cholesky of the rows' Gram matrix. Deterministic; the first of equals wins. O(n q count + n count^2).
 *
 * @param rows one row of features for each candidate; columns should have comparable scales.
 * @param noise variance of the measurement noise: added to the squared norm of a candidate that is taken.
 */
export function selectDiverse(rows: readonly ArrayLike<number>[], count: number, noise = 0.01): number[] {
  const remaining = rows.map((row) => dot(row, row));
  const taken: number[] = [];
  const factor: Float64Array[] = [];
  while (taken.length < Math.min(count, rows.length)) {
    const pivot = remaining.reduce((best, value, i) => (value > remaining[best] ? i : best), 0);
    const pivotRow = rows[pivot];
    const scale = Math.sqrt(remaining[pivot] + noise);
    const column = Float64Array.from(rows, (row) => dot(row, pivotRow));
    for (const earlier of factor) {
      const weight = earlier[pivot];
      for (let i = 0; i < column.length; i++) column[i] -= earlier[i] * weight;
    }
    for (let i = 0; i < column.length; i++) {
      column[i] /= scale;
      remaining[i] = Math.max(0, remaining[i] - column[i] ** 2);
    }
    factor.push(column);
    taken.push(pivot);
    for (const i of taken) remaining[i] = -1;
  }
  return taken;
}
