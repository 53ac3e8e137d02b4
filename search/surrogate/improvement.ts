import type { Boxes } from './boxes.js';
import type { Scale } from './warp.js';

/** What is known of one objective, for each candidate of a pool; smaller is better. */
export type Belief =
  | { readonly kind: 'known'; readonly values: Float64Array }
  | { readonly kind: 'modelled'; readonly warp: Scale; readonly mean: Float64Array; readonly variance: Float64Array };

/** E[max(0, cut - value)] of one candidate for the cuts of one objective, computed where it is asked for. */
class Below {
  private readonly known: Float64Array;
  private readonly compute: (cut: number) => number;
  private readonly turn: (candidate: number) => void;

  constructor(belief: Belief, cuts: Float64Array) {
    this.known = new Float64Array(cuts.length);
    if (belief.kind === 'known') {
      const { values } = belief;
      let value = 0;
      this.turn = (candidate) => {
        value = values[candidate];
      };
      this.compute = (cut) => Math.max(0, cuts[cut] - value);
    } else {
      const { mean, variance } = belief;
      const below = belief.warp.below(cuts);
      this.turn = (candidate) => {
        below.look(mean[candidate], Math.sqrt(variance[candidate]));
      };
      this.compute = (cut) => below.at(cut);
    }
  }

  look(candidate: number): void {
    this.turn(candidate);
    // Below the first cut, which is -Infinity, there is nothing.
    this.known.fill(NaN, 1);
  }

  at(cut: number): number {
    const value = this.known[cut];
    return value === value ? value : (this.known[cut] = this.compute(cut));
  }
}

/** Beyond so many standard deviations nothing is expected any more. */
const farthest = 4;

/** Whether even a lucky draw of a candidate would be dominated by the frontier (or be worse than the reference). */
function hopeless(boxes: Boxes, beliefs: readonly Belief[]): (candidate: number) => boolean {
  const { cuts, front } = boxes;
  const d = cuts.length;
  const scaled = (k: number, value: number): number => {
    const belief = beliefs[k];
    return belief.kind === 'known' ? value : belief.warp.apply(value);
  };
  const bounds = Float64Array.from(front.flatMap((point) => point.map((value, k) => scaled(k, value))));
  const reference = cuts.map((values, k) => scaled(k, values[values.length - 1]));
  const lucky = new Float64Array(d);
  return (candidate) => {
    for (let k = 0; k < d; k++) {
      const belief = beliefs[k];
      lucky[k] =
        belief.kind === 'known'
          ? belief.values[candidate]
          : belief.mean[candidate] - farthest * Math.sqrt(belief.variance[candidate]);
      if (lucky[k] >= reference[k]) return true;
    }
    for (let at = 0; at < bounds.length; at += d) {
      let k = 0;
      while (k < d && bounds[at + k] <= lucky[k]) k++;
      if (k === d) return true;
    }
    return false;
  };
}

/**
 * The expected hypervolume improvement of one candidate by independent objectives: over the boxes that are not
 * dominated, the product over the objectives of E[max(0, upper - value)] - E[max(0, lower - value)] (the closed form of
 * Emmerich et al. 2006 and Yang et al. 2019; an objective that is known contributes the length itself). What would be
 * dominated by luck of four standard deviations in every objective counts 0.
 */
export function improvementOf(boxes: Boxes, beliefs: readonly Belief[]): (candidate: number) => number {
  const { cuts, bounds, count } = boxes;
  const d = cuts.length;
  const below = beliefs.map((belief, k) => new Below(belief, cuts[k]));
  const isHopeless = hopeless(boxes, beliefs);
  // What is known is looked at first: most boxes are then out of reach.
  const order = Int32Array.from(
    [...beliefs.keys()].sort((a, b) => Number(beliefs[a].kind !== 'known') - Number(beliefs[b].kind !== 'known')),
  );
  return (candidate) => {
    if (isHopeless(candidate)) return 0;
    for (const objective of below) objective.look(candidate);
    let sum = 0;
    for (let b = 0; b < count; b++) {
      let volume = 1;
      for (let o = 0; o < d; o++) {
        const k = order[o];
        const position = 2 * (b * d + k);
        volume *= below[k].at(bounds[position + 1]) - below[k].at(bounds[position]);
        if (!(volume > 0)) break;
      }
      if (volume > 0) sum += volume;
    }
    return sum;
  };
}
