import type { Boxes } from './boxes.js';
import type { Warp } from './warp.js';

/** What is known of one objective, for each candidate of a pool; smaller is better. */
export type Belief =
  | { readonly kind: 'known'; readonly values: Float64Array }
  | { readonly kind: 'modelled'; readonly warp: Warp; readonly mean: Float64Array; readonly variance: Float64Array };

/** E[max(0, cut - value)] of candidate `i`. */
function expectedBelow(belief: Belief, i: number, cut: number): number {
  if (belief.kind === 'known') return Math.max(0, cut - belief.values[i]);
  return belief.warp.expectedBelow(cut, belief.mean[i], Math.sqrt(belief.variance[i]));
}

/**
 * The expected hypervolume improvement of one candidate by independent objectives: over the boxes that are not
 * dominated, the product over the objectives of E[max(0, upper - value)] - E[max(0, lower - value)] (the closed form of
 * Emmerich et al. 2006 and Yang et al. 2019; an objective that is known contributes the length itself).
 */
export function improvementOf(boxes: Boxes, beliefs: readonly Belief[]): (candidate: number) => number {
  const { cuts, bounds, count } = boxes;
  const d = cuts.length;
  // What is known is looked at first: most boxes are then out of reach.
  const order = [...beliefs.keys()].sort(
    (a, b) => Number(beliefs[a].kind !== 'known') - Number(beliefs[b].kind !== 'known'),
  );
  const below = cuts.map((values) => new Float64Array(values.length));
  return (candidate) => {
    for (const values of below) values.fill(NaN, 1);
    const at = (k: number, cut: number): number => {
      const known = below[k][cut];
      return Number.isNaN(known) ? (below[k][cut] = expectedBelow(beliefs[k], candidate, cuts[k][cut])) : known;
    };
    let sum = 0;
    for (let b = 0; b < count; b++) {
      let volume = 1;
      for (const k of order) {
        const position = 2 * (b * d + k);
        volume *= at(k, bounds[position + 1]) - at(k, bounds[position]);
        if (!(volume > 0)) break;
      }
      if (volume > 0) sum += volume;
    }
    return sum;
  };
}
