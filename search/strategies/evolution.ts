import {
  crossover,
  type DecisionSpace,
  type Genotype,
  genotypeId,
  mutate,
  sampleGenotype,
} from '../../spaces/index.js';
import type { Told } from '../controller.js';
import { HistoryFold, perTrial } from '../history.js';
import { compareCrowded, crowdedRanks, toMember, type Member } from './population.js';
import type { StrategyFactory } from './strategy.js';
import type { Random } from '../../base/random.js';

/** The latest complete trials, oldest first: what ages out is simply no longer looked at. */
function latest(history: readonly Told[], size: number, memberOf: (told: Told) => Member | undefined): Member[] {
  const members: Member[] = [];
  for (let i = history.length - 1; i >= 0 && members.length < size; i--) {
    const member = history[i].state === 'complete' ? memberOf(history[i]) : undefined;
    if (member !== undefined) members.push(member);
  }
  return members.reverse();
}

/**
 * Regularised evolution (Real et al. 2019): the population is the latest `population` complete trials, however good;
 * each candidate is a mutation of the best of `tournament` members drawn from it (with replacement). The first
 * `population` trials are random. With several objectives, or constraints that are known only after training, the best
 * is that of the crowded comparison of Deb et al. 2002 within the population; with one objective it is the best value.
 */
export const evolutionStrategy: StrategyFactory = (config, { space, objectives }) => {
  const memberOf = perTrial((told) => toMember(objectives, told));
  return (context, random) => {
    const members = context.number < config.population ? [] : latest(context.history, config.population, memberOf);
    if (members.length === 0)
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first population' });
    const ranked = crowdedRanks(members);
    return () => {
      let best = random.int(members.length);
      for (let i = 1; i < config.tournament; i++) {
        const rival = random.int(members.length);
        if (compareCrowded(ranked[rival], ranked[best]) < 0) best = rival;
      }
      const { number, genotype } = members[best].told;
      return { genotype: mutate(space, genotype, random), reason: `mutation of trial ${number}` };
    };
  };
};

/** A population with a new member, without the one that the crowded comparison puts last (of equals, the latest). */
function survivors(members: readonly Member[], newcomer: Member, size: number): readonly Member[] {
  const all = [...members, newcomer];
  if (all.length <= size) return all;
  const ranked = crowdedRanks(all);
  let worst = 0;
  for (let i = 1; i < all.length; i++) if (compareCrowded(ranked[i], ranked[worst]) >= 0) worst = i;
  return all.toSpliced(worst, 1);
}

/** As many mutations as there would be if each decision were mutated with probability 1 / decisions. */
function mutateSome(space: DecisionSpace, genotype: Genotype, random: Random): Genotype {
  let child = genotype;
  for (let i = 0; i < space.decisions.length; i++) {
    if (random.int(space.decisions.length) === 0) child = mutate(space, child, random);
  }
  return child;
}

/**
 * NSGA-II (Deb et al. 2002) in its steady-state form (Durillo et al. 2009): each result joins the population of the best
 * `population` trials, from which the worst by constrained non-domination and crowding then leaves. Parents win binary
 * tournaments; two are recombined (uniform crossover) with probability `crossover`, and the child is mutated. The first
 * `population` trials are random. The population is a fold over the history in trial order, so it depends on nothing
 * else. Trials that broke a constraint when it was measured take part, after all that keep it.
 */
export const nsga2Strategy: StrategyFactory = (config, { space, objectives }) => {
  const populations = new HistoryFold<readonly Member[]>([], (members, told) => {
    const newcomer = toMember(objectives, told);
    return newcomer === undefined ? members : survivors(members, newcomer, config.population);
  });
  return (context, random) => {
    const members = populations.at(context.history);
    if (context.number < config.population || members.length === 0) {
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first population' });
    }
    const ranked = crowdedRanks(members);
    const parent = () => {
      const [a, b] = [random.int(members.length), random.int(members.length)];
      return members[compareCrowded(ranked[b], ranked[a]) < 0 ? b : a].told;
    };
    return () => {
      const a = parent();
      const b = random.uniform() < config.crossover ? parent() : a;
      const crossed = a === b ? a.genotype : crossover(space, a.genotype, b.genotype, random);
      const child = mutateSome(space, crossed, random);
      // A copy of a parent would be turned down as asked before.
      const copied = [a, b].some(({ genotype }) => genotypeId(genotype) === genotypeId(child));
      return {
        genotype: copied ? mutate(space, child, random) : child,
        reason: a === b ? `mutation of trial ${a.number}` : `crossover of trials ${a.number} and ${b.number}`,
      };
    };
  };
};
