import type { Random } from '../base/random.js';
import { type Genotype, products } from './genotype.js';
import type { DecisionSpace } from './space.js';

/** Whether two genotypes of one space are the same, index by index. */
export const sameGenotype = (a: Genotype, b: Genotype): boolean => a.every((index, i) => index === b[i]);

const replaced = (genotype: Genotype, decision: number, index: number): Genotype => genotype.with(decision, index);

/**
 * A random canonical genotype: each decision uniform over its choices. (Networks are not equally likely: where
 * decisions become irrelevant, as in shallow networks, several draws give the same one.) Of a space with members, one
 * of these, all equally likely.
 */
export const sampleGenotype = ({ decisions, members, canonical }: DecisionSpace, random: Random): Genotype =>
  members === undefined
    ? canonical(decisions.map(({ choices }) => random.int(choices.length)))
    : members.at(random.int(members.size));

/** The genotype itself when it exists in the space, otherwise one of the nearest that do. */
export function existing({ members }: DecisionSpace, genotype: Genotype, random: Random): Genotype {
  if (members === undefined || members.has(genotype)) return genotype;
  const near = members.nearest(genotype, 1);
  const distance = differences(genotype, near[0]);
  return random.pick(near.filter((other) => differences(genotype, other) === distance));
}

/** In how many decisions two genotypes differ (Hamming distance). */
const differences = (a: Genotype, b: Genotype): number =>
  a.reduce((sum, index, i) => sum + (index === b[i] ? 0 : 1), 0);

/** A genotype of a space with members has at least so many neighbours, however few combinations exist. */
const fewestNeighbours = 8;

/**
 * The canonical genotypes other than `genotype` that one changed decision leads to; each once, in decision order. Of a
 * space with members, the nearest of these: those at Hamming distance 1, and farther ones when they are few.
 */
export function neighbours(space: DecisionSpace, genotype: Genotype): Genotype[] {
  if (space.members !== undefined) return [...space.members.nearest(genotype, fewestNeighbours)];
  const own = space.canonical(genotype);
  const found = new Map<string, Genotype>();
  for (const [i, { choices }] of space.decisions.entries()) {
    for (let c = 0; c < choices.length; c++) {
      if (c === own[i]) continue;
      const other = space.canonical(replaced(own, i, c));
      if (!sameGenotype(other, own)) found.set(other.join('-'), other);
    }
  }
  return [...found.values()];
}

/**
 * The same network with random values where decisions are irrelevant to it: layers that a mutation adds are then drawn
 * like any others, and not always the first choice.
 */
function refilled(space: DecisionSpace, own: Genotype, random: Random): Genotype {
  const filled = own.map((index, i) => {
    const drawn = index === 0 ? random.int(space.decisions[i].choices.length) : 0;
    return drawn !== 0 && sameGenotype(space.canonical(replaced(own, i, drawn)), own) ? drawn : index;
  });
  return sameGenotype(space.canonical(filled), own) ? filled : own;
}

/**
 * Changes one randomly chosen decision to another choice (Real et al. 2019), such that the network changes.
 *
 * @returns a canonical genotype other than `genotype` (of a space with members: a random one of its neighbours), or its
 *   own canonical form when the space has no other.
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
      const child = space.canonical(replaced(start, i, c));
      if (!sameGenotype(child, own)) return child;
    }
  }
  return own;
}

/**
 * Uniform crossover: each decision from one parent or the other with equal probability; canonical. Of a space with
 * members, one of the members nearest to that.
 */
export const crossover = (space: DecisionSpace, a: Genotype, b: Genotype, random: Random): Genotype =>
  existing(space, space.canonical(a.map((index, i) => (random.int(2) === 0 ? index : b[i]))), random);

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
