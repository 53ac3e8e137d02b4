import { Cholesky, dot } from '../../base/linear-algebra.js';

/** A column whose pivot is below this share of its diagonal depends on others. */
const minPivot = 1e-12;

/**
 * Minimises x'Gx - 2 m'x over x >= 0 for a symmetric positive semidefinite G (Lawson & Hanson 1974, chapter 23, on the
 * normal equations as Bro & de Jong 1997).
 */
export function minimiseNonNegative(equations: Equations): number[] {
  let best: Solution = { x: equations.moment.map(() => 0), passive: [] };
  const rejected = new Set<number>();
  for (;;) {
    const entering = steepest(equations, best, rejected);
    if (entering === undefined) return [...best.x];
    const next = enter(equations, best, entering);
    // In exact arithmetic each step improves. A column whose step does not, by rounding, is not tried again from here.
    if (next === undefined || loss(equations, next) >= loss(equations, best)) {
      rejected.add(entering);
    } else {
      best = next;
      rejected.clear();
    }
  }
}

/** The Gram matrix and the right-hand side of normal equations. */
export interface Equations {
  /** A'A + ridge I. */
  readonly gram: readonly (readonly number[])[];
  /** A'b. */
  readonly moment: readonly number[];
}

interface Solution {
  readonly x: readonly number[];
  /** The columns that are not held at 0. */
  readonly passive: readonly number[];
}

/** |A x - b|^2 + ridge |x|^2, up to a constant. */
const loss = ({ gram, moment }: Equations, { x }: Solution): number =>
  gram.reduce((total, row, i) => total + x[i] * (dot(row, x) - 2 * moment[i]), 0);

/** The column with the steepest descent; undefined when there is none. */
function steepest({ gram, moment }: Equations, at: Solution, rejected: ReadonlySet<number>): number | undefined {
  let best: number | undefined;
  let bestSlope = 1e-12 * Math.max(...moment.map(Math.abs));
  gram.forEach((row, j) => {
    const slope = moment[j] - dot(row, at.x);
    if (slope > bestSlope && !at.passive.includes(j) && !rejected.has(j)) [best, bestSlope] = [j, slope];
  });
  return best;
}

/** The best solution with one more passive column; undefined when it depends on the others. */
function enter(equations: Equations, from: Solution, entering: number): Solution | undefined {
  let { x } = from;
  let passive = [...from.passive, entering];
  for (;;) {
    const values = solveFor(equations, passive);
    if (values === undefined) return undefined;
    const solution = x.map((_, j) => values[passive.indexOf(j)] ?? 0);
    if (values.every((value) => value > 0)) return { x: solution, passive };
    ({ x, passive } = retreat(x, solution, passive));
  }
}

/** The unconstrained solution for some columns; undefined when they depend on each other. */
function solveFor({ gram, moment }: Equations, columns: readonly number[]): Float64Array | undefined {
  const factor = new Cholesky(columns.length);
  for (const i of columns) {
    const open = factor.append(
      columns.map((j) => gram[i][j]),
      gram[i][i],
    );
    if (!(open > minPivot * gram[i][i])) return undefined;
  }
  return factor.solve(Float64Array.from(columns, (i) => moment[i]));
}

/** Moves from x towards the unconstrained solution until a variable becomes 0, which is then held there. */
function retreat(
  x: readonly number[],
  solution: readonly number[],
  passive: readonly number[],
): { x: number[]; passive: number[] } {
  let step = 1;
  let leaving: number | undefined;
  for (const j of passive) {
    const [start, end] = [x[j], solution[j]];
    if (end > 0) continue;
    const share = start / (start - end || 1);
    if (leaving === undefined || share < step) [step, leaving] = [share, j];
  }
  const moved = x.map((value, j) => (j === leaving ? 0 : value + step * (solution[j] - value)));
  const kept = passive.filter((j) => moved[j] > 0);
  return { x: moved.map((value, j) => (kept.includes(j) ? value : 0)), passive: kept };
}
