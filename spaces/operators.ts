import type { Random } from '../base/random.js';
import { type Genotype, products } from './genotype.js';
import type { DecisionSpace } from './space.js';

/** Whether two genotypes of one space are equal. */
export const sameGenotype = (a: Genotype, b: Genotype): boolean => a.every((index, i) => index === b[i]);
/**
 * A random canonical genotype with each decision uniform over its choices. Networks are not equally likely: where
 * decisions are irrelevant, several draws give the same network. In a space with members, each member is equally likely.
 */
export const sampleGenotype = ({ decisions, members, canonical }: DecisionSpace, random: Random): Genotype =>
  members === undefined
    ? canonical(decisions.map(({ choices }) => random.int(choices.length)))
    : members.at(random.int(members.size));

/** The genotype itself when it exists in the space, otherwise a random one of the nearest existing genotypes. */
export function existing({ members }: DecisionSpace, genotype: Genotype, random: Random): Genotype {
  if (members === undefined || members.has(genotype)) return genotype;
  const near = members.nearest(genotype, 1);
  const distance = differences(genotype, near[0]);
  return random.pick(near.filter((other) => differences(genotype, other) === distance));
}

/** Hamming distance. */
const differences = (a: Genotype, b: Genotype): number => a.filter((index, i) => index !== b[i]).length;

/** The least number of neighbours in a space with members. */
const fewestNeighbours = 8;

/**
 * The other canonical genotypes that differ by one changed decision, each once, in decision order. In a space with
 * members: those at Hamming distance 1, and more distant ones when there are few.
 */
export function neighbours(space: DecisionSpace, genotype: Genotype): Genotype[] {
  if (space.members !== undefined) return [...space.members.nearest(genotype, fewestNeighbours)];
  const own = space.canonical(genotype);
  const found = new Map<string, Genotype>();
  for (const [i, { choices }] of space.decisions.entries()) {
    for (let c = 0; c < choices.length; c++) {
      if (c === own[i]) continue;
      const other = space.canonical(own.with(i, c));
      if (!sameGenotype(other, own)) found.set(other.join('-'), other);
    }
  }
  return [...found.values()];
}

/**
 * The same network with random values for irrelevant decisions. Layers that a mutation adds are then random, not always
 * the first choice.
 */
function refilled(space: DecisionSpace, own: Genotype, random: Random): Genotype {
  const filled = own.map((index, i) => {
    const drawn = index === 0 ? random.int(space.decisions[i].choices.length) : 0;
    return drawn !== 0 && sameGenotype(space.canonical(own.with(i, drawn)), own) ? drawn : index;
  });
  return sameGenotype(space.canonical(filled), own) ? filled : own;
}

/**
 * Changes one random decision (Real et al. 2019) such that the network changes.
 * @returns another canonical genotype (in a space with members: a random neighbour), or the canonical form of `genotype`
 *   when the space has no other
 */
export function mutate(space: DecisionSpace, genotype: Genotype, random: Random): Genotype {
  if (space.members !== undefined) {
    const near = space.members.nearest(genotype, fewestNeighbours);
    return near.length === 0 ? genotype : random.pick(near);
  }
  const own = space.canonical(genotype);
  const start = refilled(space, own, random);
  for (const i of random.shuffle([...space.decisions.keys()])) {
    const others = [...space.decisions[i].choices.keys()].filter((c) => c !== start[i]);
    for (const c of random.shuffle(others)) {
      const child = space.canonical(start.with(i, c));
      if (!sameGenotype(child, own)) return child;
    }
  }
  return own;
}

/** Uniform crossover: each decision from either parent with equal probability; canonical, and an existing genotype. */
export const crossover = (space: DecisionSpace, a: Genotype, b: Genotype, random: Random): Genotype =>
  existing(space, space.canonical(a.map((index, i) => (random.int(2) === 0 ? index : b[i]))), random);

/** Spaces of up to this many combinations are counted by enumeration. */
const listable = 100_000n;

/** How many genotypes `enumerate` visits: the members, or every combination of choices. */
export const combinations = ({ decisions, members }: Pick<DecisionSpace, 'decisions' | 'members'>): bigint =>
  members === undefined
    ? decisions.reduce((product, { choices }) => product * BigInt(choices.length), 1n)
    : BigInt(members.size);

/** All canonical genotypes in lexicographic order. It visits every combination: for small spaces only. */
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
 * The number of different networks: the space's `count`, or the number of canonical genotypes by enumeration. An upper
 * bound for a space without `count` of more than 100,000 combinations: the number of combinations.
 */
export function spaceSize(space: DecisionSpace): bigint {
  if (space.count !== undefined) return space.count();
  const bound = combinations(space);
  if (bound > listable) return bound;
  let size = 0n;
  for (const networks = enumerate(space); networks.next().done !== true;) size++;
  return size;
}
