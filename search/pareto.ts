/** Objective values of one candidate in a fixed order, turned so that smaller is better everywhere; finite. */
export type Point = readonly number[];

/** Pareto dominance: nowhere worse and somewhere better; equal points do not dominate each other. */
export function dominates(a: Point, b: Point): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] > b[i]) return false;
    if (a[i] < b[i]) better = true;
  }
  return better;
}

/** Indices of the points in lexicographic order (equal points in their own order): no point dominates an earlier one. */
function lexicographic(points: readonly Point[]): number[] {
  return [...points.keys()].sort((i, j) => {
    const [a, b] = [points[i], points[j]];
    for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return a[k] - b[k];
    return i - j;
  });
}

const equal = (a: Point, b: Point): boolean => a.every((value, i) => value === b[i]);

/**
 * Non-dominated sorting (Deb et al. 2002): the front of each point, 0 for non-dominated points, 1 for points that only
 * front 0 dominates, and so on. Equal points share a front. O(n log n) for one and two objectives; at most
 * O(objectives n^2) for more.
 */
export function nonDominatedRanks(points: readonly Point[]): number[] {
  const ranks = points.map(() => 0);
  const order = lexicographic(points);
  if (points.length > 0 && points[0].length <= 2) sweepRanks(points, order, ranks);
  else insertRanks(points, order, ranks);
  return ranks;
}

/**
 * In lexicographic order, a front dominates a point of two objectives exactly when the front's smallest last objective
 * is not above the point's; these minima ascend from front to front (Jensen 2003).
 */
function sweepRanks(points: readonly Point[], order: readonly number[], ranks: number[]): void {
  const minima: number[] = [];
  let previous: number | undefined;
  for (const i of order) {
    if (previous !== undefined && equal(points[i], points[previous])) ranks[i] = ranks[previous];
    else {
      const last = points[i][points[i].length - 1];
      let [low, high] = [0, minima.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (minima[middle] > last) high = middle;
        else low = middle + 1;
      }
      ranks[i] = low;
      minima[low] = last;
    }
    previous = i;
  }
}

/** In lexicographic order, each point joins the first front that does not dominate it (ENS, Zhang et al. 2015). */
function insertRanks(points: readonly Point[], order: readonly number[], ranks: number[]): void {
  const fronts: Point[][] = [];
  for (const i of order) {
    const found = fronts.findIndex((front) => !front.some((other) => dominates(other, points[i])));
    const rank = found === -1 ? fronts.push([]) - 1 : found;
    fronts[rank].push(points[i]);
    ranks[i] = rank;
  }
}

/** Ascending indices of the non-dominated points. Equal points are all kept. */
export function nonDominated(points: readonly Point[]): number[] {
  if (points.length === 0) return [];
  if (points[0].length <= 2) {
    return nonDominatedRanks(points).flatMap((rank, i) => (rank === 0 ? [i] : []));
  }
  const front: number[] = [];
  for (const i of lexicographic(points)) {
    if (!front.some((j) => dominates(points[j], points[i]))) front.push(i);
  }
  return front.sort((a, b) => a - b);
}

/**
 * The crowding distance of each point of one front (Deb et al. 2002): over the objectives, the sum of the gaps between
 * its two neighbours as shares of the front's range; infinite at the ends of an objective. Of points that are equal in an
 * objective, the order of `points` decides the neighbours. Constant objectives are left out.
 */
export function crowdingDistances(points: readonly Point[]): number[] {
  const distances = points.map(() => 0);
  if (points.length <= 2) return distances.fill(Infinity);
  for (let k = 0; k < points[0].length; k++) {
    const order = [...points.keys()].sort((i, j) => points[i][k] - points[j][k] || i - j);
    const [first, last] = [order[0], order[order.length - 1]];
    const range = points[last][k] - points[first][k];
    if (range === 0) continue;
    distances[first] = distances[last] = Infinity;
    for (let n = 1; n < order.length - 1; n++) {
      distances[order[n]] += (points[order[n + 1]][k] - points[order[n - 1]][k]) / range;
    }
  }
  return distances;
}
