import type { Random } from '../../base/random.js';
import { crossover, genotypeId, mutate, type DecisionSpace, type Genotype } from '../../spaces/index.js';

const generations = 8;
const parents = 30;
/** In each generation; the fewer, the more trials a prediction has to look at. */
const children = { fewest: 40, most: 150, timesTrials: 15_000 };
/** How often a child that was seen already is changed further. */
const tries = 3;

/** A candidate, and the genes that it came from: those of layers that are not there are kept for when they are. */
interface Individual {
  readonly genes: Genotype;
  readonly genotype: Genotype;
}

/**
 * Evolves candidates on a model: the best so far are changed in one or two decisions and recombined, generation after
 * generation (truncation selection).
 *
 * @param start where to begin; scored first.
 * @param trials how many a score depends on.
 * @param score how good each candidate is; greater is better.
 */
export function evolve(
  space: DecisionSpace,
  start: readonly Genotype[],
  trials: number,
  score: (candidates: readonly Genotype[]) => readonly number[],
  random: Random,
): void {
  const seen = new Set<string>();
  const isNew = ({ genotype }: Individual): boolean => {
    const id = genotypeId(genotype);
    return !seen.has(id) && seen.add(id).has(id);
  };
  let population: (Individual & { readonly score: number })[] = [];
  const enter = (fresh: readonly Individual[]): void => {
    const scores = score(fresh.map(({ genotype }) => genotype));
    population.push(...fresh.map((one, i) => ({ ...one, score: scores[i] })));
    population = population.sort((a, b) => b.score - a.score).slice(0, parents);
  };
  const { fewest, most, timesTrials } = children;
  const size = Math.round(Math.min(most, Math.max(fewest, timesTrials / trials)));
  const { change, mix } = variation(space, random);
  enter(start.map((genotype) => ({ genes: genotype, genotype })).filter(isNew));
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
  /** One decision changed. */
  readonly change: (genes: Genotype) => Individual;
  /** Each decision from one or the other. */
  readonly mix: (a: Genotype, b: Genotype) => Genotype;
}

/** Where every combination exists, genes are varied without a look at what they mean, which costs much more. */
function variation(space: DecisionSpace, random: Random): Variation {
  if (space.members !== undefined) {
    return {
      change: (genes) => {
        const genotype = mutate(space, genes, random);
        return { genes: genotype, genotype };
      },
      mix: (a, b) => crossover(space, a, b, random),
    };
  }
  const sizes = space.decisions.map(({ choices }) => choices.length);
  const free = [...sizes.keys()].filter((d) => sizes[d] > 1);
  return {
    change: (genes) => {
      const d = random.pick(free);
      const changed = genes.with(d, (genes[d] + 1 + random.int(sizes[d] - 1)) % sizes[d]);
      return { genes: changed, genotype: space.canonical(changed) };
    },
    mix: (a, b) => a.map((index, d) => (random.int(2) === 0 ? index : b[d])),
  };
}
