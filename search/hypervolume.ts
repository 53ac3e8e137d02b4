import { nonDominated, type Point } from './pareto.js';

/**
 * The volume that points dominate, up to a reference point: how good a frontier is, in one number (Zitzler & Thiele
 * 1999). Points that are not better than the reference in every objective count nothing. O(n log n) for up to two
 * objectives; slicing by objectives (While et al. 2006) for more, which is fast for the few hundred points and up to
 * about five objectives that frontiers have.
 *
 * @param points objective values turned so that smaller is better; in any order, dominated points allowed.
 * @param reference one value an objective, worse than what is to count.
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const inside = points.filter((point) => reference.every((bound, i) => point[i] < bound));
  return volume(inside, reference, reference.length);
}

/**
 * How much one more point would add to the volume that `points` dominate; 0 when one of them is as good. Exact: what the
 * point dominates alone (the exclusive hypervolume of While et al. 2012), which looks only at what the others cover of it.
 */
export function hypervolumeImprovement(point: Point, points: readonly Point[], reference: Point): number {
  if (!reference.every((bound, i) => point[i] < bound)) return 0;
  const covered = points
    .map((other) => other.map((value, i) => Math.max(value, point[i])))
    .filter((corner) => reference.every((bound, i) => corner[i] < bound));
  const box = reference.reduce((product, bound, i) => product * (bound - point[i]), 1);
  return Math.max(
    0,
    box -
      volume(
        nonDominated(covered).map((i) => covered[i]),
        reference,
        reference.length,
      ),
  );
}

/** How much volume is lost without each of the points: what only it dominates. */
export const hypervolumeContributions = (points: readonly Point[], reference: Point): number[] =>
  points.map((point, i) => hypervolumeImprovement(point, points.toSpliced(i, 1), reference));

/** A reference point for points that are scaled to [0, 1]: a bit beyond the worst, so that these count, too. */
export const justBeyond = (objectives: number): Point => new Array<number>(objectives).fill(1.1);

/**
 * The indices of points (scaled to [0, 1]), those first that add most to the hypervolume of the ones before them; of
 * equals, the earlier: every beginning of the order is a good small stand-in for all (greedy hypervolume subset
 * selection, Guerreiro et al. 2016).
 *
 * @param count how many are wanted; default: all.
 */
export function byVolume(points: readonly Point[], count = points.length): number[] {
  const reference = justBeyond(points.at(0)?.length ?? 0);
  const chosen: number[] = [];
  // What a point adds can only become less, so an old value is a bound: only the best need be computed again.
  const bounds = points.map((point) => hypervolumeImprovement(point, [], reference));
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
        points[best],
        chosen.map((i) => points[i]),
        reference,
      );
    }
  }
  return chosen;
}

/** The volume in the first `dimensions` objectives. */
function volume(points: readonly Point[], reference: Point, dimensions: number): number {
  if (points.length === 0) return 0;
  if (dimensions === 1) return reference[0] - points.reduce((best, point) => Math.min(best, point[0]), Infinity);
  return dimensions === 2 ? area(points, reference) : slices(points, reference, dimensions);
}

/** From left to right, each point that is lower than all before it adds a rectangle. */
function area(points: readonly Point[], reference: Point): number {
  let sum = 0;
  let low = reference[1];
  for (const [x, y] of [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (y >= low) continue;
    sum += (reference[0] - x) * (low - y);
    low = y;
  }
  return sum;
}

/** Cuts along the last objective: between two neighbouring values, the cross-section is that of the points so far. */
function slices(points: readonly Point[], reference: Point, dimensions: number): number {
  const last = dimensions - 1;
  const sorted = [...points].sort((a, b) => a[last] - b[last]);
  let section: Point[] = [];
  let sum = 0;
  for (const [i, point] of sorted.entries()) {
    section.push(point.slice(0, last));
    const end = i + 1 < sorted.length ? sorted[i + 1][last] : reference[last];
    if (end === point[last]) continue;
    section = nonDominated(section).map((j) => section[j]);
    sum += (end - point[last]) * volume(section, reference, last);
  }
  return sum;
}
