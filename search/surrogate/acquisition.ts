import type { TrialResult } from '../controller.js';
import { judgedPoint, toPoint } from '../frontier.js';
import { HistoryMap } from '../history.js';
import { observed, type Objective } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { logBetween } from '../../base/normal.js';
import type { Transform } from './warp.js';

/** The bound on the bad side of an objective, turned so that smaller is better; Infinity without one. */
export const limitOf = ({ direction, constraint }: Objective): number =>
  direction === 'minimize' ? (constraint?.max ?? Infinity) : -(constraint?.min ?? -Infinity);

/** The bound on the good side of an objective, turned so that smaller is better; -Infinity without one. */
const floorOf = ({ direction, constraint }: Objective): number =>
  direction === 'minimize' ? (constraint?.min ?? -Infinity) : -(constraint?.max ?? Infinity);

/**
 * The logarithm of the probability that a candidate keeps the bounds of the modelled objectives: both, or only the one on
 * the good side, which improvements do not see. Undefined when no such bound exists.
 */
export function keepingOf(
  objectives: readonly Objective[],
  beliefs: readonly Belief[],
  sides: 'both' | 'good',
): ((candidate: number) => number) | undefined {
  const bounded = beliefs.flatMap((belief, k) => {
    const [low, high] = [floorOf(objectives[k]), sides === 'both' ? limitOf(objectives[k]) : Infinity];
    if (belief.kind === 'known' || (low === -Infinity && high === Infinity)) return [];
    const ends = [low, high].map((end) => (Number.isFinite(end) ? belief.warp.apply(end) : end));
    return [{ belief, low: ends[0], high: ends[1] }];
  });
  if (bounded.length === 0) return undefined;
  return (candidate) =>
    bounded.reduce((sum, { belief: { mean, variance }, low, high }) => {
      const deviation = Math.max(Math.sqrt(variance[candidate]), 1e-12);
      return sum + logBetween((low - mean[candidate]) / deviation, (high - mean[candidate]) / deviation);
    }, 0);
}

/** Values beyond this many times the distance from the best value to the median, measured from the median, are outliers. */
const tail = 20;

/** The worst value, clipped where outliers begin: a diverged training must not move the reference point. */
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

/** The range of the finite values. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [best, worst] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    best = Math.min(best, values[i]);
    worst = Math.max(worst, values[i]);
  }
  return { best, worst };
}

/** The range of observed values, without outliers. */
export const observedRange = (values: readonly number[]): Range => ({
  best: rangeOf(values).best,
  worst: worstOf(values),
});

/** What targets and models need of trials, found once for each. */
export class TrialPoints {
  /** Points of complete trials that keep all constraints. */
  readonly feasible;
  /** Points of trials with all values. */
  readonly complete;
  /** The value of each objective. */
  readonly observed;

  constructor(readonly objectives: readonly Objective[]) {
    this.feasible = new HistoryMap((trial) => judgedPoint(trial, objectives));
    this.complete = new HistoryMap((trial) => toPoint(objectives, trial.values));
    this.observed = new HistoryMap((trial) => objectives.map((objective) => observed(objective, trial)));
  }
}

/** The region in which candidates improve the frontier. */
export interface Target {
  readonly boxes: Boxes;
  readonly reference: Point;
  /** The volume between the best value of each objective and the reference. */
  readonly total: number;
}

/**
 * @param trials of the history
 * @param expected points of pending candidates.
 * @param known range of each cheap objective in the space.
 * @param believed the point of a trial without what models take for noise.
 */
export function targetOf(
  trials: TrialPoints,
  history: readonly TrialResult[],
  expected: readonly Point[],
  known: readonly (Range | undefined)[],
  believed: (trial: TrialResult, point: Point) => Point = (_, point) => point,
): Target {
  const points: Point[] = [];
  for (const [i, point] of trials.feasible.at(history).entries())
    if (point !== undefined) points.push(believed(history[i], point));
  points.push(...expected);
  const all = trials.observed.at(history);
  const ranges = trials.objectives.map((objective, k) => {
    const values: number[] = [];
    for (const { [k]: value } of all) if (value !== undefined) values.push(value);
    for (const { [k]: value } of points) if (Number.isFinite(value)) values.push(value);
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

/** One objective of each candidate of a pool, known or modelled; smaller is better. */
export type Belief =
  | { readonly kind: 'known'; readonly values: Float64Array }
  | {
      readonly kind: 'modelled';
      readonly warp: Transform;
      readonly mean: Float64Array;
      readonly variance: Float64Array;
    };

/** E[max(0, cut - value)] of the selected candidate for the cuts of one objective, computed on demand. */
class CutShortfalls {
  private readonly cached: Float64Array;
  private readonly compute: (cut: number) => number;
  private readonly prepare: (candidate: number) => void;

  constructor(belief: Belief, cuts: Float64Array) {
    this.cached = new Float64Array(cuts.length);
    if (belief.kind === 'known') {
      const { values } = belief;
      let value = 0;
      this.prepare = (candidate) => {
        value = values[candidate];
      };
      this.compute = (cut) => Math.max(0, cuts[cut] - value);
    } else {
      const { mean, variance } = belief;
      const below = belief.warp.below(cuts);
      this.prepare = (candidate) => {
        below.select(mean[candidate], Math.sqrt(variance[candidate]));
      };
      this.compute = (cut) => below.at(cut);
    }
  }

  select(candidate: number): void {
    this.prepare(candidate);
    // The first cut is -Infinity; its shortfall stays 0.
    this.cached.fill(NaN, 1);
  }

  at(cut: number): number {
    const value = this.cached[cut];
    return value === value ? value : (this.cached[cut] = this.compute(cut));
  }
}

/** Standard deviations of luck that a candidate may have. */
const luck = 4;

/** Whether a candidate is dominated by the frontier, or worse than the reference, even with luck in every objective. */
function surelyDominated(boxes: Boxes, beliefs: readonly Belief[]): (candidate: number) => boolean {
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
          : belief.mean[candidate] - luck * Math.sqrt(belief.variance[candidate]);
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
 * The expected hypervolume improvement of one candidate with independent objectives, in the closed form of Emmerich et al.
 * 2006 and Yang et al. 2019: the sum over the non-dominated boxes of the product over the objectives of
 * E[max(0, upper - value)] - E[max(0, lower - value)]. It is 0 for candidates that are dominated even with luck.
 */
export function improvementOf(boxes: Boxes, beliefs: readonly Belief[]): (candidate: number) => number {
  const { cuts, bounds, count } = boxes;
  const d = cuts.length;
  const below = beliefs.map((belief, k) => new CutShortfalls(belief, cuts[k]));
  const isSurelyDominated = surelyDominated(boxes, beliefs);
  // Known objectives first: they rule out most boxes.
  const order = Int32Array.from(
    [...beliefs.keys()].sort((a, b) => Number(beliefs[a].kind !== 'known') - Number(beliefs[b].kind !== 'known')),
  );
  return (candidate) => {
    if (isSurelyDominated(candidate)) return 0;
    for (const objective of below) objective.select(candidate);
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

/** A partition of the non-dominated region below the reference. */
interface Boxes {
  /** The bounds in each objective, ascending, -Infinity first and the reference last. */
  readonly cuts: readonly Float64Array[];
  /** Positions in `cuts`: for each box, lower and upper bound of each objective. */
  readonly bounds: Int32Array;
  readonly count: number;
  readonly front: readonly Point[];
}

/**
 * Partitions the non-dominated region: slices between neighbouring values of the last objective have the cross-section of
 * the points so far, down to strips of the first objective. O(points^(objectives - 1)) boxes.
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
