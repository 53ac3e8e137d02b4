import { feasible } from '../frontier.js';
import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { observed } from './objective-model.js';
import type { Scale } from './warp.js';

/** The bound of a constraint on the bad side of an objective, turned so that smaller is better. */
export const limitOf = ({ direction, constraint }: Objective): number =>
  direction === 'minimize' ? (constraint?.max ?? Infinity) : -(constraint?.min ?? -Infinity);

/** How many times as far from the median as the best value is the worst one that counts. */
const tail = 20;

/** The worst of some values, but not one that is far out: a diverged training does not change what matters. */
function worstOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [best, median, worst] = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]];
  return median > best ? Math.min(worst, median + tail * (median - best)) : worst;
}

/** The best and the worst value of an objective, turned so that smaller is better. */
export interface Range {
  readonly best: number;
  readonly worst: number;
}

/** The range of the finite ones of some values. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [best, worst] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    best = Math.min(best, values[i]);
    worst = Math.max(worst, values[i]);
  }
  return { best, worst };
}

/** What there is to improve: the frontier so far, and the point up to which volume counts. */
export interface Target {
  readonly boxes: Boxes;
  readonly reference: Point;
  /** The volume between the best value of each objective and the reference. */
  readonly total: number;
}

/**
 * @param expected points that pending candidates are expected to have.
 * @param known for each cheap objective, the range of its values in the space.
 */
export function targetOf(
  objectives: readonly Objective[],
  history: readonly Told[],
  expected: readonly Point[],
  known: readonly (Range | undefined)[],
): Target {
  const points = [...feasible(history, objectives).map(({ point }) => point), ...expected];
  const ranges = objectives.map((objective, k) => {
    const values = [
      ...history.flatMap((told) => observed(objective, told) ?? []),
      ...points.map((point) => point[k]),
    ].filter(Number.isFinite);
    const seen = rangeOf(values);
    const space = known[k];
    const worst = space === undefined ? worstOf(values) : Math.max(seen.worst, space.worst);
    return { best: Math.min(seen.best, space?.best ?? Infinity), worst: Math.min(worst, limitOf(objective)) };
  });
  const reference = ranges.map(({ worst }) => worst);
  const front = nonDominated(points).map((i) => points[i]);
  const total = ranges.reduce((product, { best, worst }) => product * (worst - best), 1);
  return { boxes: boxesOf(front, reference), reference, total };
}

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

/** Boxes that together are what no point dominates and the reference bounds, without overlap. */
interface Boxes {
  /** The bounds that occur in each objective, ascending, -Infinity first and the reference last. */
  readonly cuts: readonly Float64Array[];
  /** Positions in `cuts`: for each box, lower and upper bound of each objective. */
  readonly bounds: Int32Array;
  readonly count: number;
  /** The points that bound them from below. */
  readonly front: readonly Point[];
}

/**
 * Cuts the region that is not dominated into boxes: along the last objective between neighbouring values, where the
 * cross-section is that of the points so far, down to strips of the first. O(points^(objectives - 1)) boxes.
 */
export function boxesOf(front: readonly Point[], reference: Point): Boxes {
  const d = reference.length;
  const inside = front.filter((point) => point.every((value, k) => value < reference[k]));
  const cuts = reference.map((bound, k) =>
    Float64Array.from([-Infinity, ...[...new Set(inside.map((point) => point[k]))].sort((a, b) => a - b), bound]),
  );
  const positions = inside.map((point) => point.map((value, k) => cuts[k].indexOf(value)));
  const bounds: number[] = [];
  const split = (points: readonly (readonly number[])[], k: number, outer: readonly number[]): void => {
    const top = cuts[k].length - 1;
    if (k === 0) {
      const lowest = points.reduce((low, point) => Math.min(low, point[0]), top);
      bounds.push(0, lowest, ...outer);
      return;
    }
    const values = [...new Set(points.map((point) => point[k]))].sort((a, b) => a - b);
    for (const [i, upper] of [...values, top].entries()) {
      const lower = i === 0 ? 0 : values[i - 1];
      split(
        points.filter((point) => point[k] <= lower),
        k - 1,
        [lower, upper, ...outer],
      );
    }
  };
  split(positions, d - 1, []);
  return { cuts, bounds: Int32Array.from(bounds), count: bounds.length / (2 * d), front: inside };
}
