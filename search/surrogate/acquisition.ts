import { feasible } from '../frontier.js';
import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { boxesOf, type Boxes } from './boxes.js';
import { observed } from './fit.js';

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
