import { extentOf } from './axis.js';
import type { Objective } from '../../experiments/page/api.js';

/** The value below which a share of sorted values lies, between two of them in proportion (R's type 7). */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [a, b] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return a + (at - Math.floor(at)) * (b - a);
}

/**
 * At most `limit` of some rows, and always those that must be there: the others evenly chosen from first to last, the same
 * each time.
 */
export function thinned<T>(rows: readonly T[], limit: number, kept: (row: T) => boolean): readonly T[] {
  if (rows.length <= limit) return rows;
  const must = rows.filter(kept);
  const room = Math.max(0, limit - must.length);
  const others = rows.length - must.length;
  let seen = 0;
  return rows.filter((row) => {
    if (kept(row)) return true;
    // Whether the room that is due up to this row has grown by one.
    const before = Math.floor((seen * room) / others);
    seen++;
    return Math.floor((seen * room) / others) > before;
  });
}

interface At {
  readonly x: number;
  readonly y: number;
}

/** Of so many points in the background, each is drawn. */
const manyPoints = 2000;

/** Cells of the picture of which one point is drawn when there are more. */
const cells = { x: 205, y: 120 };

/** The points of which something would be seen: of many that lie on each other, the first; a file of them stays small. */
export function visible<P extends At>(points: readonly P[]): readonly P[] {
  if (points.length <= manyPoints) return points;
  const cellOf = (axis: 'x' | 'y') => {
    const [low, high] = extentOf(points.map((point) => point[axis])) ?? [0, 0];
    return (point: P) => Math.floor((cells[axis] * (point[axis] - low)) / (high - low || 1));
  };
  const [column, row] = [cellOf('x'), cellOf('y')];
  const first = new Map<number, P>();
  for (const point of points) {
    const cell = column(point) * (cells.y + 1) + row(point);
    if (!first.has(cell)) first.set(cell, point);
  }
  return [...first.values()];
}

type Direction = Objective['direction'];

/**
 * The members of a frontier that no other one excels in this plane, along x: where the frontier has more than two
 * objectives, others lie behind them.
 */
export function skyline<P extends At>(points: readonly P[], x: Direction, y: Direction): P[] {
  const sign = (direction: Direction): number => (direction === 'minimize' ? 1 : -1);
  const better = points.toSorted((a, b) => sign(x) * (a.x - b.x) || sign(y) * (a.y - b.y));
  let best = Infinity;
  const kept = better.filter((point) => {
    const value = sign(y) * point.y;
    if (value >= best) return false;
    best = value;
    return true;
  });
  return kept.sort((a, b) => a.x - b.x);
}

/** Between two members nothing better is known than the one before: which way the line turns. */
export const turnOf = (x: Direction | undefined): 'end' | 'start' | false => {
  if (x === undefined) return false;
  return x === 'minimize' ? 'end' : 'start';
};

/** A middle value and the range of the middle half. */
interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** A method's hypervolume after each evaluation. */
export interface ComparedMethod {
  readonly method: string;
  readonly curve: readonly Quartiles[];
}
