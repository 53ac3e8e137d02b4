import type { Random } from '../../base/random.js';
import { crossover, genotypeId, mutate, type DecisionSpace, type Genotype } from '../../spaces/index.js';

const generations = 8;
const parents = 30;
/** Per generation; fewer when predictions depend on more trials. */
const children = { min: 40, max: 150, timesTrials: 15_000 };
/** Further changes of a child that was seen before. */
const tries = 3;

/** A candidate, its id, and its genes, which keep the choices of absent layers for later. */
export interface Individual {
  readonly genes: Genotype;
  readonly genotype: Genotype;
  readonly id: string;
}

const individual = (genes: Genotype, genotype = genes): Individual => ({ genes, genotype, id: genotypeId(genotype) });

/**
 * Evolves candidates on a model by truncation selection: the best so far are recombined and changed in one or two
 * decisions.
 *
 * @param start scored first.
 * @param trials number of trials that a score depends on.
 * @param score greater is better.
 */
export function evolve(
  space: DecisionSpace,
  start: readonly Genotype[],
  trials: number,
  score: (candidates: readonly Individual[]) => readonly number[],
  random: Random,
): void {
  const seen = new Set<string>();
  const isNew = ({ id }: Individual): boolean => !seen.has(id) && seen.add(id).has(id);
  let population: (Individual & { readonly score: number })[] = [];
  const enter = (fresh: readonly Individual[]): void => {
    const scores = score(fresh);
    population.push(...fresh.map((one, i) => ({ ...one, score: scores[i] })));
    population = population.sort((a, b) => b.score - a.score).slice(0, parents);
  };
  const { min, max, timesTrials } = children;
  const size = Math.round(Math.min(max, Math.max(min, timesTrials / trials)));
  const { change, mix } = variation(space, random);
  enter(start.map((genotype) => individual(genotype)).filter(isNew));
  for (let generation = 0; generation < generations; generation++) {
    const born: Individual[] = [];
    for (let i = 0; i < size; i++) {
      const one = random.pick(population).genes;
      let child = change(random.int(3) === 0 ? mix(one, random.pick(population).genes) : one);
      if (random.int(2) === 0) child = change(child.genes);
      let left = tries;
      while (!isNew(child) && left-- > 0) child = change(child.genes);
      if (left >= 0) born.push(child);
    }
    enter(born);
  }
}

interface Variation {
  readonly change: (genes: Genotype) => Individual;
  readonly mix: (a: Genotype, b: Genotype) => Genotype;
}

/** Mutation of one decision, and uniform crossover; where every combination exists, directly on genes, which is fast. */
function variation(space: DecisionSpace, random: Random): Variation {
  if (space.members !== undefined) {
    return {
      change: (genes) => individual(mutate(space, genes, random)),
      mix: (a, b) => crossover(space, a, b, random),
    };
  }
  const sizes = space.decisions.map(({ choices }) => choices.length);
  const free = [...sizes.keys()].filter((d) => sizes[d] > 1);
  return {
    change: (genes) => {
      const d = random.pick(free);
      const changed = genes.with(d, (genes[d] + 1 + random.int(sizes[d] - 1)) % sizes[d]);
      return individual(changed, space.canonical(changed));
    },
    mix: (a, b) => a.map((index, d) => (random.int(2) === 0 ? index : b[d])),
  };
}
