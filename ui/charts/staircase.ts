import type { Objective } from '../../experiments/page/api.js';

interface At {
  readonly x: number;
  readonly y: number;
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
