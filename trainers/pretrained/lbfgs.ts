import { dot } from '../../base/linear-algebra.js';

/** A function's value and gradient somewhere. */
export interface Point {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface MinimiseOptions {
  /** Default 200. */
  readonly iterations?: number;
  /** Ends where the largest entry of the gradient is at most this; default 1e-5. */
  readonly tolerance?: number;
}

const largest = (a: Float64Array): number => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Steps and changes of the gradient that approximate the inverse Hessian. */
const remembered = 10;

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly inverse: number;
}

/** The gradient times the approximate inverse Hessian: the two loops of Nocedal 1980. */
function direction(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const result = gradient.slice();
  const shares = pairs.toReversed().map(({ step, change, inverse }) => {
    const share = inverse * dot(step, result);
    for (let i = 0; i < result.length; i++) result[i] -= share * change[i];
    return share;
  });
  const newest = pairs.at(-1);
  const scale = newest
    ? 1 / (newest.inverse * dot(newest.change, newest.change))
    : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
  for (let i = 0; i < result.length; i++) result[i] *= scale;
  for (const [k, { step, change, inverse }] of pairs.entries()) {
    const share = shares[pairs.length - 1 - k] - inverse * dot(change, result);
    for (let i = 0; i < result.length; i++) result[i] += share * step[i];
  }
  return result;
}

/**
 * The minimum of a smooth convex function by L-BFGS (Liu & Nocedal 1989) with backtracking. Values may be as exact as float32: a
 * step that no longer lowers the value ends the search.
 */
export async function minimise(
  at: (x: Float64Array) => Promise<Point>,
  start: Float64Array,
  { iterations = 200, tolerance = 1e-5 }: MinimiseOptions = {},
): Promise<Float64Array> {
  let x = start;
  let here = await at(x);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < iterations && largest(here.gradient) > tolerance; iteration++) {
    const down = direction(here.gradient, pairs);
    const slope = dot(down, here.gradient);
    let found: { readonly x: Float64Array; readonly point: Point } | null = null;
    for (let length = 1; length > 1e-4 && found === null; length /= 2) {
      const next = x.map((value, i) => value - length * down[i]);
      const point = await at(next);
      if (point.value <= here.value - 1e-4 * length * slope) found = { x: next, point };
    }
    if (found === null) break;
    const step = found.x.map((value, i) => value - x[i]);
    const { gradient } = here;
    const change = found.point.gradient.map((value, i) => value - gradient[i]);
    const curvature = dot(step, change);
    if (curvature > 0) pairs.push({ step, change, inverse: 1 / curvature });
    if (pairs.length > remembered) pairs.shift();
    x = found.x;
    here = found.point;
  }
  return x;
}
