import { Cholesky } from '../../base/linear-algebra.js';
import { combine } from './evidence.js';
import { minimiseNonNegative } from './nnls.js';
import { dot, equationsOf, residualCovariance, type Regression } from './regression.js';

/**
 * Each of the first `count` targets minus what the model fitted to all others says about it, at the same sizes.
 *
 * Without an observation, the equations of the weights lose a rank-one part, so that each fit takes O(q^2) and its own
 * search for the weights that are not negative: these decide much where they are, and the closed form for normal weights
 * does not know them.
 */
export function leaveOneOut(problem: Regression, scales: readonly number[], count: number): Float64Array {
  const { rows, target, prior, free, components } = problem;
  const n = rows.length;
  const residual = Cholesky.of(residualCovariance(problem, scales), n);
  const { gram, moment } = equationsOf(problem, residual, combine(prior, free, scales.slice(components.length)));
  const precision = residual.inverse();
  return Float64Array.from({ length: count }, (_, i) => {
    const own = precision.subarray(i * n, (i + 1) * n);
    const variance = 1 / own[i];
    const told = dot(own, target);
    const row = gram.map((_column, j) => rows.reduce((sum, other, k) => sum + own[k] * other[j], 0));
    const weights = minimiseNonNegative({
      gram: gram.map((line, a) => line.map((value, b) => value - row[a] * row[b] * variance)),
      moment: moment.map((value, a) => value - row[a] * told * variance),
    });
    return (told - dot(row, weights)) * variance;
  });
}
