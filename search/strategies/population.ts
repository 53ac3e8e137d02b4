import type { Told } from '../controller.js';
import { toPoint } from '../frontier.js';
import { type Objective, violation } from '../objective.js';
import { crowdingDistances, nonDominatedRanks, type Point } from '../pareto.js';

/** A trial that can be compared with others. */
export interface Member {
  readonly told: Told;
  /** 0: keeps all constraints. */
  readonly violation: number;
  /** Empty when it breaks a constraint, as then only the violation counts. */
  readonly point: Point;
}

/**
 * A trial as a member: complete, or pruned for breaking a constraint. Failed trials and those that were stopped early
 * have nothing to compare: undefined.
 */
export function toMember(objectives: readonly Objective[], told: Told): Member | undefined {
  if (told.state === 'failed') return undefined;
  const excess = violation(objectives, told.values);
  if (excess > 0) return { told, violation: excess, point: [] };
  const point = told.state === 'complete' ? toPoint(objectives, told.values) : undefined;
  return point && { told, violation: 0, point };
}

/** Where a member stands among others: the front (0 is best), then how much room is around it there. */
export interface CrowdedRank {
  readonly rank: number;
  readonly crowding: number;
}

/**
 * The standings of members by constrained domination (Deb et al. 2002): those that keep all constraints by Pareto
 * fronts, then the others by how much they break, each different violation a front of its own.
 */
export function crowdedRanks(members: readonly Member[]): CrowdedRank[] {
  const kept = [...members.keys()].filter((i) => members[i].violation === 0);
  const ranks = nonDominatedRanks(kept.map((i) => members[i].point));
  const fronts: number[][] = [];
  for (const [k, rank] of ranks.entries()) (fronts[rank] ??= []).push(kept[k]);
  const result = new Array<CrowdedRank>(members.length);
  for (const [rank, front] of fronts.entries()) {
    const distances = crowdingDistances(front.map((i) => members[i].point));
    for (const [k, i] of front.entries()) result[i] = { rank, crowding: distances[k] };
  }
  if (kept.length === members.length) return result;
  const violations = [...new Set(members.map(({ violation }) => violation).filter((v) => v > 0))].sort((a, b) => a - b);
  for (const [i, { violation }] of members.entries())
    result[i] ??= { rank: fronts.length + violations.indexOf(violation), crowding: 0 };
  return result;
}

/** The crowded comparison of Deb et al. 2002: negative when `a` is better, 0 when neither is. */
export const compareCrowded = (a: CrowdedRank, b: CrowdedRank): number =>
  a.rank - b.rank || (a.crowding === b.crowding ? 0 : b.crowding - a.crowding);
