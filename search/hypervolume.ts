import { nonDominated, type Point } from './pareto.js';

/**
 * The volume that points dominate, up to a reference point (Zitzler & Thiele 1999): the quality of a frontier in one
 * number. Points that are not better than the reference in every objective count nothing. O(n log n) for up to two
 * objectives; slicing by objectives (While et al. 2006) for more, which is fast enough for a few hundred points and
 * about five objectives.
 *
 * @param points objective values turned so that smaller is better; in any order, dominated points allowed.
 * @param reference one value per objective, worse than the values that count.
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const inside = points.filter((point) => reference.every((bound, i) => point[i] < bound));
  return volume(inside, reference, reference.length);
}

/**
 * The volume that one more point adds to that of `points`; 0 when one of them is as good. Exact: the point's exclusive
 * hypervolume (While et al. 2012).
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

/** The volume in the first `dimensions` objectives. */
function volume(points: readonly Point[], reference: Point, dimensions: number): number {
  if (points.length === 0) return 0;
  if (dimensions === 1) return reference[0] - points.reduce((best, point) => Math.min(best, point[0]), Infinity);
  return dimensions === 2 ? area(points, reference) : slices(points, reference, dimensions);
}

/** From left to right, each point below all before it adds a rectangle. */
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

/** Slices along the last objective: between neighbouring values, the cross-section is the volume of the points so far. */
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
