import type { Random } from '../../base/random.js';
import { crossover, genotypeId, mutate, type DecisionSpace, type Genotype } from '../../spaces/index.js';

const generations = 6;
const parents = 40;
const children = 150;

/**
 * Evolves candidates on a model: the best so far are mutated (in one or two decisions) and recombined, generation after
 * generation (truncation selection).
 *
 * @param start where to begin; scored first.
 * @param score how good each candidate is; greater is better.
 */
export function evolve(
  space: DecisionSpace,
  start: readonly Genotype[],
  score: (candidates: readonly Genotype[]) => readonly number[],
  random: Random,
): void {
  const seen = new Set<string>();
  let population: { readonly genotype: Genotype; readonly score: number }[] = [];
  const enter = (candidates: readonly Genotype[]): void => {
    const fresh = candidates.filter((genotype) => {
      const id = genotypeId(genotype);
      return !seen.has(id) && seen.add(id);
    });
    const scores = score(fresh);
    population.push(...fresh.map((genotype, i) => ({ genotype, score: scores[i] })));
    population = population.sort((a, b) => b.score - a.score).slice(0, parents);
  };
  enter(start);
  for (let generation = 0; generation < generations; generation++) {
    const born: Genotype[] = [];
    for (let i = 0; i < children; i++) {
      const one = random.pick(population).genotype;
      const mixed = random.int(3) === 0 ? crossover(space, one, random.pick(population).genotype, random) : one;
      born.push(mutate(space, random.int(2) === 0 ? mutate(space, mixed, random) : mixed, random));
    }
    enter(born);
  }
}
