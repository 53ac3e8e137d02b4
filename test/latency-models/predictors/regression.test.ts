import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { dot } from '../../../base/linear-algebra.js';
import { diagonal, leaveOneOut, type Regression, solve } from '../../../latency-models/predictors/regression.js';

const sizes = { centre: -2, spread: 1 };
const scales = [-2, -1];

/** Some rows of a problem in which a weight is held at 0. */
function problemOf(keep: (row: number) => boolean): Regression {
  const random = new Random(4);
  const all = Array.from({ length: 12 }, () => {
    const row = Float64Array.from([1, random.uniform(), random.uniform()]);
    return { row, target: 1 + row[1] - 0.7 * row[2] + 0.1 * random.normal() };
  });
  const kept = all.filter((_, i) => keep(i));
  return {
    target: Float64Array.from(kept, ({ target }) => target),
    rows: kept.map(({ row }) => row),
    prior: diagonal([1, 1, 1]),
    details: { matrix: diagonal([1, 0, 0]), ...sizes },
    noise: { matrix: diagonal(kept.map(({ row }) => 1 + row[1])), ...sizes },
  };
}

describe('leaveOneOut', () => {
  it('is what fits without each observation say of it', () => {
    const whole = problemOf(() => true);
    const errors = leaveOneOut(whole, scales);
    expect(errors).toHaveLength(12);
    for (const [i, error] of errors.entries()) {
      const { weights } = solve(
        problemOf((row) => row !== i),
        { scales, keep: true },
      );
      expect(error).toBeCloseTo(whole.target[i] - dot(whole.rows[i], weights), 8);
    }
    expect(solve(whole, { scales, keep: true }).weights[2]).toBe(0);
  });
});
