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
