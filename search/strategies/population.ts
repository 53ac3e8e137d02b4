import type { TrialResult } from '../controller.js';
import { toPoint } from '../frontier.js';
import { violation, type Objective } from '../objective.js';
import { crowdingDistances, nonDominatedFronts, type Point } from '../pareto.js';

/** A trial that can be compared with others. */
export interface Member {
  readonly trial: TrialResult;
  /** 0: keeps all constraints. */
  readonly violation: number;
  /** Empty when it breaks a constraint, as then only the violation counts. */
  readonly point: Point;
}

/** A complete trial, or one that was pruned for breaking a constraint; undefined for all others. */
export function toMember(objectives: readonly Objective[], trial: TrialResult): Member | undefined {
  if (trial.state === 'failed') return undefined;
  const excess = violation(objectives, trial.values);
  if (excess > 0) return { trial, violation: excess, point: [] };
  const point = trial.state === 'complete' ? toPoint(objectives, trial.values) : undefined;
  return point && { trial, violation: 0, point };
}

/** Front (0 is best) and crowding distance within it. */
export interface CrowdedRank {
  readonly rank: number;
  readonly crowding: number;
}

/**
 * Ranks by constrained domination (Deb et al. 2002): members that keep all constraints by Pareto front, then the others by
 * violation, each different violation a front of its own.
 */
export function crowdedRanks(members: readonly Member[]): CrowdedRank[] {
  const kept = [...members.keys()].filter((i) => members[i].violation === 0);
  const fronts = nonDominatedFronts(kept.map((i) => members[i].point)).map((front) => front.map((k) => kept[k]));
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
