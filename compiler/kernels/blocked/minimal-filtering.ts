import { range } from '../../graph/index.js';

/**
 * How to filter a signal d with `cells` weights w for `rows` outputs y[j] = sum over k of w[k] d[j + k] in only
 * rows + cells - 1 products, one for each of as many points (Winograd 1980; Lavin & Gray 2016, arXiv:1509.09308):
 *
 *   y = outputs * ((weights * w) . (signal * d))
 *
 * and, as its transpose, the gradient of w: weights^T * ((signal * d) . (outputs^T * dy)).
 */
export interface MinimalFiltering {
  readonly rows: number;
  /** The points: 0, pairs of a number and its negative, and infinity, which is not listed. */
  readonly points: readonly number[];
  /** [points, rows + cells - 1] */
  readonly signal: readonly (readonly number[])[];
  /** [points, cells] */
  readonly weights: readonly (readonly number[])[];
  /** [rows, points] */
  readonly outputs: readonly (readonly number[])[];
}

/** Small numbers whose powers a float holds exactly; in this order they add the least error. */
const finitePoints: readonly number[] = [0, 1, -1, 1 / 2, -1 / 2, 2, -2];
export const mostPoints = finitePoints.length + 1;

/** Coefficients of the product of (x - a) over `roots`, the constant one first. */
const polynomial = (roots: readonly number[]): number[] =>
  roots.reduce<number[]>(
    (coefficients, root) => [0, ...coefficients].map((c, i) => c - root * (coefficients[i] ?? 0)),
    [1],
  );

/** The filtering for an odd number of finite points: `rows` + `cells` is even. */
export function minimalFiltering(rows: number, cells: number): MinimalFiltering {
  const points = finitePoints.slice(0, rows + cells - 2);
  const others = points.map((_, i) => points.filter((_, j) => j !== i));
  const last = (length: number): number[] => range(length).map((i) => (i === length - 1 ? 1 : 0));
  return {
    rows,
    points,
    signal: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    weights: [
      ...points.map((point, i) => {
        const scale = others[i].reduce((product, other) => product * (point - other), 1);
        return range(cells).map((k) => point ** k / scale);
      }),
      last(cells),
    ],
    outputs: range(rows).map((j) => [...points.map((point) => point ** j), last(rows)[j]]),
  };
}
