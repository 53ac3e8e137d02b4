import type { Random } from '../../base/random.js';
import type { Encoded } from './encoding.js';
import type { Pool } from './pool.js';

/** How many random candidates each choice is made from. */
const draws = 300;

/** The squared distance of two candidates: mean over the numbers, plus the share of decisions that differ. */
function distance(a: Encoded, i: number, b: Encoded, j: number): number {
  let numbers = 0;
  for (let k = 0; k < a.width; k++) numbers += (a.numbers[i * a.width + k] - b.numbers[j * b.width + k]) ** 2;
  let different = 0;
  for (let d = 0; d < a.decisions; d++) {
    if (a.choices[i * a.decisions + d] !== b.choices[j * b.decisions + d]) different++;
  }
  return numbers / Math.max(1, a.width) + different / Math.max(1, a.decisions);
}

/**
 * The candidate, of some drawn at random, that is farthest from all asked before (maximin: Johnson et al. 1990): a first
 * design that covers structures and costs.
 *
 * @param allowed positions in the pool to choose from; not empty.
 */
export function farthest(pool: Pool, allowed: readonly number[], asked: Encoded, random: Random): number {
  let best = { position: allowed[0], distance: -1 };
  for (let n = 0; n < Math.min(draws, allowed.length); n++) {
    const position = random.pick(allowed);
    let nearest = Infinity;
    for (let j = 0; j < asked.count; j++) {
      nearest = Math.min(nearest, distance(pool.encoded, position, asked, j));
    }
    if (nearest > best.distance) best = { position, distance: nearest };
  }
  return best.position;
}

/** The position with the smallest value of the first cheap objective: one end of the frontier is known beforehand. */
export function cheapest(pool: Pool, allowed: readonly number[]): number | undefined {
  const values = pool.known.find((known) => known !== undefined);
  if (values === undefined) return undefined;
  return allowed.reduce((best, position) => (values[position] < values[best] ? position : best), allowed[0]);
}
