import type { Objective } from '../objective.js';
import type { Belief } from './improvement.js';

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** `predicted accuracy 0.914 ± 0.006` or `latency_ms 2.31`. */
function describeBelief({ name, direction }: Objective, belief: Belief, position: number): string {
  const sign = direction === 'minimize' ? 1 : -1;
  if (belief.kind === 'known') return `${name} ${short(sign * belief.values[position])}`;
  const { warp, mean, variance } = belief;
  const [z, deviation] = [mean[position], Math.sqrt(variance[position])];
  const half = (warp.invert(z + deviation) - warp.invert(z - deviation)) / 2;
  return `predicted ${name} ${short(sign * warp.invert(z))} ± ${half.toPrecision(2)}`;
}

/**
 * Why a candidate was chosen, in one line.
 * @param share the expected improvement as a share of the hypervolume up to the reference.
 */
export const describeChoice = (
  share: number,
  objectives: readonly Objective[],
  beliefs: readonly Belief[],
  position: number,
): string =>
  `expected hypervolume +${share.toPrecision(2)}: ${objectives
    .map((objective, k) => describeBelief(objective, beliefs[k], position))
    .join(', ')}`;
