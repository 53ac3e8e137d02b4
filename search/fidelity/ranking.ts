import { toPoint } from '../frontier.js';
import { byVolume } from '../hypervolume.js';
import { type Objective, violation } from '../objective.js';
import { nonDominatedRanks, scaled } from '../pareto.js';
import type { RungResult } from './scheduler.js';

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
    return byVolume(members.map((i) => points[i])).map((j) => kept[members[j]].result);
  });
  const broken = judged
    .filter(({ point, excess }) => point !== undefined && excess > 0)
    .sort((a, b) => a.excess - b.excess);
  const unknown = judged.filter(({ point }) => point === undefined);
  return [...best.flat(), ...[...broken, ...unknown].map(({ result }) => result)];
}
