import type { Objective } from '../../reports/page/api.js';
import { extentOf } from './axis.js';

/** At most `limit` rows: all that `kept` accepts, and others spread evenly. The result is deterministic. */
export function thinned<T>(rows: readonly T[], limit: number, kept: (row: T) => boolean): readonly T[] {
  if (rows.length <= limit) return rows;
  const must = rows.filter(kept);
  const room = Math.max(0, limit - must.length);
  const others = rows.length - must.length;
  let seen = 0;
  return rows.filter((row) => {
    if (kept(row)) return true;
    // Keeps the rows at which the share of the room that is due grows by one.
    const before = Math.floor((seen * room) / others);
    seen++;
    return Math.floor((seen * room) / others) > before;
  });
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Up to this number, all background points are drawn. */
const manyPoints = 2000;

/** The cells of the plot; above `manyPoints`, one point of each is drawn. */
const cells = { x: 205, y: 120 };

/** Drops points that lie on others, which keeps files small. */
export function visible<P extends Point>(points: readonly P[]): readonly P[] {
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

/** The points that no other point dominates in this plane, sorted by x. */
export function skyline<P extends Point>(points: readonly P[], x: Direction, y: Direction): P[] {
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

/** Where the steps of a staircase turn: between two members, the worse one counts. */
export const turnOf = (x: Direction | undefined): 'end' | 'start' | false => {
  if (x === undefined) return false;
  return x === 'minimize' ? 'end' : 'start';
};
