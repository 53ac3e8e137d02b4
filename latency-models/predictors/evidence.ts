import { Cholesky } from '../../base/linear-algebra.js';

/** A part of a covariance whose size is to be found: exp(2 scale) times `matrix`. */
export interface Component {
  /** Row-major and square. */
  readonly matrix: Float64Array;
  /** What the logarithm of the standard deviation is expected to be, and how surely. */
  readonly centre: number;
  readonly spread: number;
}

export interface Scales {
  /** Logarithms of the standard deviations, in the order of the components. */
  readonly scales: readonly number[];
  /** Negative log of the evidence and the prior, up to a constant: small is good. */
  readonly loss: number;
}

/** fixed + sum of exp(2 scale) matrix. */
export function combine(
  fixed: Float64Array,
  components: readonly Component[],
  scales: readonly number[],
): Float64Array {
  const sum = fixed.slice();
  for (const [c, { matrix }] of components.entries()) {
    const variance = Math.exp(2 * scales[c]);
    for (let i = 0; i < sum.length; i++) sum[i] += variance * matrix[i];
  }
  return sum;
}

function lossOf(target: Float64Array, covariance: Float64Array): number {
  const factor = Cholesky.of(covariance, target.length);
  const z = factor.solveLower(target.slice());
  return 0.5 * z.reduce((sum, v) => sum + v * v, 0) + 0.5 * factor.logDeterminant();
}

const steps = [1, 0.5, 0.25];
const sweeps = 2;

/**
 * The sizes of the components under which `target` ~ N(0, fixed + components) is most likely, with normal priors on
 * their logarithms (type II maximum likelihood, Rasmussen & Williams 2006, section 5.4), by coordinate search.
 *
 * @param start where to begin; the centres by default.
 */
export function maximiseEvidence(
  target: Float64Array,
  fixed: Float64Array,
  components: readonly Component[],
  start: readonly number[] = components.map(({ centre }) => centre),
): Scales {
  const loss = (scales: readonly number[]): number =>
    lossOf(target, combine(fixed, components, scales)) +
    components.reduce((sum, { centre, spread }, c) => sum + 0.5 * ((scales[c] - centre) / spread) ** 2, 0);
  let best: Scales = { scales: start, loss: loss(start) };
  for (const step of steps) {
    for (let sweep = 0; sweep < sweeps; sweep++) {
      const before = best;
      for (const c of components.keys()) {
        for (const change of [step, -step]) {
          const scales = best.scales.with(c, best.scales[c] + change);
          const found = loss(scales);
          if (found >= best.loss) continue;
          best = { scales, loss: found };
          break;
        }
      }
      if (best === before) break;
    }
  }
  return best;
}
