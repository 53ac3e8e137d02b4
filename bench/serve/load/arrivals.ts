import { Random } from '../../../base/random.js';

/** Moments of a Poisson process in ms from its begin, ascending, below `seconds`: the same for the same seed. */
export function* poissonArrivals(perSecond: number, seconds: number, seed: number): Generator<number, void> {
  const random = new Random(seed, 'arrivals');
  const gap = (): number => (-Math.log(1 - random.uniform()) * 1000) / perSecond;
  for (let at = gap(); at < 1000 * seconds; at += gap()) yield at;
}
