import { byVolume, hypervolumeContributions, justBeyond } from './hypervolume.js';
import { nonDominatedRanks, scaled, type Point } from './pareto.js';
import type { Member } from './population.js';

/** Trials split into the good ones, each with a weight in (0, 1], and all others in trial order. */
export interface Split {
  readonly good: readonly Member[];
  readonly weights: readonly number[];
  readonly others: readonly Member[];
}

/** The least weight of a good trial. */
const leastWeight = 1e-3;

/** The indices of the best `count` points: whole fronts, and of the last front those that dominate most together. */
function bestOf(points: readonly Point[], count: number): number[] {
  const ranks = nonDominatedRanks(points);
  const fronts: number[][] = [];
  for (const [i, rank] of ranks.entries()) (fronts[rank] ??= []).push(i);
  const best: number[] = [];
  for (const front of fronts) {
    const room = count - best.length;
    if (front.length > room) {
      if (room > 0) best.push(...byVolume(scaled(front.map((i) => points[i])), room).map((j) => front[j]));
      break;
    }
    best.push(...front);
  }
  return best.sort((a, b) => a - b);
}

/**
 * Splits trials as the multi-objective tree-structured Parzen estimator does (Ozaki et al. 2022): good are the best
 * `count` by non-domination rank, the last front by hypervolume; a good trial's weight is its share of the hypervolume,
 * relative to the largest. Trials that break a constraint are never good while others can be.
 */
export function split(members: readonly Member[], count: number): Split {
  const kept = members.filter(({ violation }) => violation === 0);
  const best = bestOf(
    kept.map(({ point }) => point),
    Math.min(count, kept.length),
  );
  const good = best.map((i) => kept[i]);
  const chosen = new Set(good);
  return { good, weights: weightsOf(good), others: members.filter((member) => !chosen.has(member)) };
}

function weightsOf(good: readonly Member[]): number[] {
  if (good.length === 0) return [];
  const points = scaled(good.map(({ point }) => point));
  const contributions = hypervolumeContributions(points, justBeyond(points[0].length));
  const most = Math.max(...contributions);
  return contributions.map((contribution) => (most > 0 ? Math.max(leastWeight, contribution / most) : 1));
}
