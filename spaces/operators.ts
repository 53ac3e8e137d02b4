import type { Random } from '../base/random.js';
import type { Genotype } from './genotype.js';
import type { DecisionSpace } from './space.js';

/** Whether two genotypes of one space are the same, index by index. */
export const sameGenotype = (a: Genotype, b: Genotype): boolean => a.every((index, i) => index === b[i]);

const replaced = (genotype: Genotype, decision: number, index: number): Genotype => genotype.with(decision, index);

/**
 * A random canonical genotype: each decision uniform over its choices. (Networks are not equally likely: where
 * decisions become irrelevant, as in shallow networks, several draws give the same one.)
 */
export const sampleGenotype = (space: DecisionSpace, random: Random): Genotype =>
  space.canonical(space.decisions.map(({ choices }) => random.int(choices.length)));

/** The canonical genotypes other than `genotype` that one changed decision leads to; each once, in decision order. */
export function neighbours(space: DecisionSpace, genotype: Genotype): Genotype[] {
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
 * @returns a canonical genotype other than `genotype`, or its own canonical form when the space has no other.
 */
export function mutate(space: DecisionSpace, genotype: Genotype, random: Random): Genotype {
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

/** Uniform crossover: each decision from one parent or the other with equal probability; canonical. */
export const crossover = (space: DecisionSpace, a: Genotype, b: Genotype, random: Random): Genotype =>
  space.canonical(a.map((index, i) => (random.int(2) === 0 ? index : b[i])));
