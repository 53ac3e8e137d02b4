import { hypervolumeContributions, hypervolumeImprovement } from './hypervolume.js';
import { nonDominatedRanks, type Point } from './pareto.js';
import type { Member } from './population.js';

/** Trials split into the good ones, each with a weight in (0, 1], and all others in trial order. */
export interface Split {
  readonly good: readonly Member[];
  readonly weights: readonly number[];
  readonly others: readonly Member[];
}

/** How far beyond the worst of the good values the reference point lies, as a share of their range. */
const margin = 0.1;

/** The least weight of a good trial. */
const leastWeight = 1e-3;

/** Points scaled to [0, 1] in each objective, and a reference point for their hypervolume. */
function scaled(points: readonly Point[]): { points: readonly Point[]; reference: Point } {
  const low = points[0].map((_, i) => Math.min(...points.map((point) => point[i])));
  const size = points[0].map((_, i) => Math.max(...points.map((point) => point[i])) - low[i] || 1);
  return {
    points: points.map((point) => point.map((value, i) => (value - low[i]) / size[i])),
    reference: low.map(() => 1 + margin),
  };
}

/** Greedily, the points of a front that together dominate most (hypervolume subset selection, Guerreiro et al. 2016). */
function mostVolume(points: readonly Point[], count: number): number[] {
  const { points: front, reference } = scaled(points);
  const chosen: number[] = [];
  // What a point adds can only become less, so an old value is a bound: only the best need be computed again.
  const bounds = front.map((point) => hypervolumeImprovement(point, [], reference));
  while (chosen.length < count) {
    const fresh = new Set<number>();
    for (;;) {
      const best = bounds.reduce((best, bound, i) => (best === -1 || bound > bounds[best] ? i : best), -1);
      if (fresh.has(best)) {
        chosen.push(best);
        bounds[best] = -Infinity;
        break;
      }
      fresh.add(best);
      bounds[best] = hypervolumeImprovement(
        front[best],
        chosen.map((i) => front[i]),
        reference,
      );
    }
  }
  return chosen;
}

/** The indices of the best `count` points: whole fronts, and of the last front those that dominate most together. */
function bestOf(points: readonly Point[], count: number): number[] {
  const ranks = nonDominatedRanks(points);
  const fronts: number[][] = [];
  for (const [i, rank] of ranks.entries()) (fronts[rank] ??= []).push(i);
  const best: number[] = [];
  for (const front of fronts) {
    const room = count - best.length;
    if (front.length > room) {
      if (room > 0)
        best.push(
          ...mostVolume(
            front.map((i) => points[i]),
            room,
          ).map((j) => front[j]),
        );
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
  const { points, reference } = scaled(good.map(({ point }) => point));
  const contributions = hypervolumeContributions(points, reference);
  const most = Math.max(...contributions);
  return contributions.map((contribution) => (most > 0 ? Math.max(leastWeight, contribution / most) : 1));
}
