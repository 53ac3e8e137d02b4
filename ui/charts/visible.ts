import { extentOf } from './axis.js';

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
