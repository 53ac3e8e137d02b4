import { violation } from '../constraint.js';
import { toPoint } from '../frontier.js';
import { hypervolume } from '../hypervolume.js';
import type { Objective } from '../objective.js';
import { nonDominatedRanks, type Point } from '../pareto.js';
import type { RungResult } from './scheduler.js';

/** Where the reference point is, with every objective scaled to [0, 1] over the rung. */
const reference = 1.1;

function scaled(points: readonly Point[]): Point[] {
  const [first = []] = points;
  const bounds = first.map((_, k) => {
    const column = points.map((point) => point[k]);
    return { low: Math.min(...column), high: Math.max(...column) };
  });
  return points.map((point) =>
    point.map((value, k) => {
      const { low, high } = bounds[k];
      return high === low ? 0 : (value - low) / (high - low);
    }),
  );
}

/**
 * The points of one front, those first that add most to the hypervolume of the ones before them (greedy subset
 * selection); of equals, the earlier. Every beginning of the order is then a good small stand-in for the front.
 */
function byContribution(front: readonly Point[]): number[] {
  const order: number[] = [];
  const taken: Point[] = [];
  const bound = (front.at(0) ?? []).map(() => reference);
  const left = new Set(front.keys());
  while (left.size > 0) {
    const before = hypervolume(taken, bound);
    let best = { i: -1, gain: -Infinity };
    for (const i of left) {
      const gain = hypervolume([...taken, front[i]], bound) - before;
      if (gain > best.gain) best = { i, gain };
    }
    order.push(best.i);
    taken.push(front[best.i]);
    left.delete(best.i);
  }
  return order;
}

/**
 * The results of one rung, best first: those that keep all constraints by non-dominated front, within a front by
 * hypervolume contribution; then those that break one, by how much (Deb et al. 2002); last those with a value that is
 * not a number. The order depends on the results and their trials only, not on the order in which they are given.
 */
export function rankResults(results: readonly RungResult[], objectives: readonly Objective[]): RungResult[] {
  const judged = [...results]
    .sort((a, b) => a.trial - b.trial)
    .map((result) => ({
      result,
      point: toPoint(objectives, result.values),
      excess: violation(objectives, result.values),
    }));
  const kept = judged.flatMap(({ result, point, excess }) =>
    point !== undefined && excess === 0 ? [{ result, point }] : [],
  );
  const points = scaled(kept.map(({ point }) => point));
  const ranks = nonDominatedRanks(points);
  const fronts = Math.max(-1, ...ranks) + 1;
  const best = Array.from({ length: fronts }, (_, rank) => {
    const members = [...points.keys()].filter((i) => ranks[i] === rank);
    return byContribution(members.map((i) => points[i])).map((j) => kept[members[j]].result);
  });
  const broken = judged
    .filter(({ point, excess }) => point !== undefined && excess > 0)
    .sort((a, b) => a.excess - b.excess);
  const unknown = judged.filter(({ point }) => point === undefined);
  return [...best.flat(), ...[...broken, ...unknown].map(({ result }) => result)];
}
