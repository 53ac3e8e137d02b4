import { products, type Genotype } from './genotype.js';
import { sameGenotype } from './operators.js';
import type { DecisionSpace } from './space.js';

/** Spaces of up to this many combinations are counted by listing them. */
const listable = 100_000n;

/** How many genotypes `enumerate` walks through: the members, or every combination of choices. */
export const combinations = ({ decisions, members }: DecisionSpace): bigint =>
  members === undefined
    ? decisions.reduce((product, { choices }) => product * BigInt(choices.length), 1n)
    : BigInt(members.size);

/** All canonical genotypes in lexicographic order; for small spaces, since it walks through every combination. */
export function* enumerate(space: DecisionSpace): Generator<Genotype> {
  if (space.members !== undefined) {
    for (let i = 0; i < space.members.size; i++) yield space.members.at(i);
    return;
  }
  for (const genotype of products(space.decisions.map(({ choices }) => choices.length))) {
    if (sameGenotype(space.canonical(genotype), genotype)) yield genotype;
  }
}

/**
 * How many different networks a space has: its own `count`, or the number of canonical genotypes by listing them. Only
 * for a space without `count` of more than 100,000 combinations is it an upper bound, the number of combinations.
 */
export function spaceSize(space: DecisionSpace): bigint {
  if (space.count !== undefined) return space.count();
  const bound = combinations(space);
  if (bound > listable) return bound;
  let size = 0n;
  for (const networks = enumerate(space); networks.next().done !== true;) size++;
  return size;
}
