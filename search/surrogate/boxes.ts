import type { Point } from '../pareto.js';

/** Boxes that together are what no point dominates and the reference bounds, without overlap. */
export interface Boxes {
  /** The bounds that occur in each objective, ascending, -Infinity first and the reference last. */
  readonly cuts: readonly Float64Array[];
  /** Positions in `cuts`: for each box, lower and upper bound of each objective. */
  readonly bounds: Int32Array;
  readonly count: number;
  /** The points that bound them from below. */
  readonly front: readonly Point[];
}

/**
 * Cuts the region that is not dominated into boxes: along the last objective between neighbouring values, where the
 * cross-section is that of the points so far, down to strips of the first. O(points^(objectives - 1)) boxes.
 */
export function boxesOf(front: readonly Point[], reference: Point): Boxes {
  const d = reference.length;
  const inside = front.filter((point) => point.every((value, k) => value < reference[k]));
  const cuts = reference.map((bound, k) =>
    Float64Array.from([-Infinity, ...[...new Set(inside.map((point) => point[k]))].sort((a, b) => a - b), bound]),
  );
  const positions = inside.map((point) => point.map((value, k) => cuts[k].indexOf(value)));
  const bounds: number[] = [];
  const split = (points: readonly (readonly number[])[], k: number, outer: readonly number[]): void => {
    const top = cuts[k].length - 1;
    if (k === 0) {
      const lowest = points.reduce((low, point) => Math.min(low, point[0]), top);
      bounds.push(0, lowest, ...outer);
      return;
    }
    const values = [...new Set(points.map((point) => point[k]))].sort((a, b) => a - b);
    for (const [i, upper] of [...values, top].entries()) {
      const lower = i === 0 ? 0 : values[i - 1];
      split(
        points.filter((point) => point[k] <= lower),
        k - 1,
        [lower, upper, ...outer],
      );
    }
  };
  split(positions, d - 1, []);
  return { cuts, bounds: Int32Array.from(bounds), count: bounds.length / (2 * d), front: inside };
}
