import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { dot } from '../../../base/linear-algebra.js';
import { diagonal, leaveOneOut, type Regression, solve } from '../../../latency-models/predictors/regression.js';

const sizes = { centre: -2, spread: 1 };
const scales = [-2, -1, -1];

/** Some rows of a problem in which a weight is held at 0. */
function problemOf(keep: (row: number) => boolean): Regression {
  const random = new Random(4);
  const all = Array.from({ length: 12 }, () => {
    const row = Float64Array.from([1, random.uniform(), random.uniform()]);
    return { row, target: 1 + row[1] - 0.7 * row[2] + 0.1 * random.normal() };
  });
  const kept = all.filter((_, i) => keep(i));
  const n = kept.length;
  const alike = Float64Array.from({ length: n * n }, (_, k) => {
    const difference = kept[Math.floor(k / n)].row[1] - kept[k % n].row[1];
    return Math.exp((-difference * difference) / 2);
  });
  return {
    target: Float64Array.from(kept, ({ target }) => target),
    rows: kept.map(({ row }) => row),
    prior: diagonal([1, 1, 1]),
    free: [{ matrix: diagonal([1, 0, 0]), ...sizes }],
    components: [
      { matrix: diagonal(kept.map(() => 1)), ...sizes },
      { matrix: alike, ...sizes },
    ],
  };
}

describe('leaveOneOut', () => {
  it('is what fits without each observation say of it', () => {
    const whole = problemOf(() => true);
    const errors = leaveOneOut(whole, scales);
    expect(errors).toHaveLength(12);
    for (const [i, error] of errors.entries()) {
      const { weights, dual } = solve(
        problemOf((row) => row !== i),
        { scales, keep: true },
      );
      const n = whole.rows.length;
      const alike = [...whole.rows.keys()].filter((k) => k !== i).map((k) => whole.components[1].matrix[i * n + k]);
      const deviation = Math.exp(2 * scales[1]) * dot(alike, dual);
      expect(error).toBeCloseTo(whole.target[i] - dot(whole.rows[i], weights) - deviation, 8);
    }
    expect(solve(whole, { scales, keep: true }).weights[2]).toBe(0);
  });
});
