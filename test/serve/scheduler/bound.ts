import { batchThatPays } from '../../../serve/scheduler/service-time.js';
import type { Arrival, Network } from './workloads.js';

/**
 * Upper bound of any scheduler: the largest sum of accuracies of images answered in time, if images could be divided among
 * networks, time and workers, and all arrivals were known.
 *
 * That is a linear program: image i gets the time x[i][k] of network k, which is worth accuracy[k] / t[k] a millisecond,
 * where t[k] is the time of an image in the best of the batches that pay; the shares x[i][k] / t[k] of an image add up to
 * at most 1; and the times fit between arrivals and deadlines. What time y an image is worth at best is the upper concave
 * envelope of (0, 0) and the points (t[k], accuracy[k]), with slopes s[1] > s[2] > ... between its points t[1] < t[2] < ...:
 * sum over j of (s[j] - s[j + 1]) * min(y, t[j]). So all images together are worth at most
 *
 *     sum over j of (s[j] - s[j + 1]) * F[j]
 *
 * where F[j] is the most time that images can get if none can use more than t[j]. For one j, working on the earliest
 * deadline without a pause attains it; and the sets for which it is attained grow with j (they are a polymatroid), so that the
 * sum is the optimum, and not only a bound of it.
 * @param slowdown how many times longer than measured batches take on average
 */
export function bound(
  networks: readonly Network[],
  arrivals: readonly Arrival[],
  { workers = 1, slowdown = 1 }: { readonly workers?: number; readonly slowdown?: number } = {},
): number {
  const points = envelope(networks);
  const slopes = points.map(({ ms, accuracy }, j) => {
    const before = j === 0 ? { ms: 0, accuracy: 0 } : points[j - 1];
    return (accuracy - before.accuracy) / (ms - before.ms);
  });
  let sum = 0;
  for (const [j, { ms }] of points.entries()) {
    const drop = slopes[j] - (slopes.at(j + 1) ?? 0);
    sum += (drop / slowdown) * usableMs(arrivals, ms * slowdown, workers);
  }
  return sum;
}

interface Point {
  readonly ms: number;
  readonly accuracy: number;
}

/** The corners, after (0, 0), of the upper concave envelope of accuracy over time per image. */
export function envelope(networks: readonly Network[]): Point[] {
  const points = networks.map(({ accuracy, times }) => ({ ms: perImage(times), accuracy }));
  const corners: Point[] = [];
  for (let from: Point = { ms: 0, accuracy: 0 }; ;) {
    const { ms, accuracy } = from;
    const slope = (point: Point): number => (point.accuracy - accuracy) / (point.ms - ms);
    const above = points.filter((point) => point.accuracy > accuracy && point.ms > ms);
    if (above.length === 0) return corners;
    from = above.reduce((a, b) => (slope(b) > slope(a) || (slope(b) === slope(a) && b.ms > a.ms) ? b : a));
    corners.push(from);
  }
}

function perImage(times: ReadonlyMap<number, number>): number {
  const most = batchThatPays(times);
  return Math.min(...[...times].filter(([batch]) => batch <= most).map(([batch, ms]) => ms / batch));
}

/** The largest worker time in use if each image can use so much of it between arrival and deadline. */
function usableMs(arrivals: readonly Arrival[], perImageMs: number, workers: number): number {
  const open: { readonly deadline: number; left: number }[] = [];
  let used = 0;
  for (const [i, { at, budgetMs }] of arrivals.entries()) {
    const deadline = at + budgetMs;
    let position = open.length;
    while (position > 0 && open[position - 1].deadline > deadline) position--;
    open.splice(position, 0, { deadline, left: perImageMs });
    const until = arrivals.at(i + 1)?.at ?? Infinity;
    for (let now = at; now < until && open.length > 0;) {
      const [first] = open;
      const ms = Math.min(until - now, first.deadline - now, first.left / workers);
      if (ms > 0) {
        now += ms;
        first.left -= ms * workers;
        used += ms * workers;
      }
      if (first.deadline <= now || first.left <= 1e-9 * perImageMs) open.shift();
    }
  }
  return used;
}
