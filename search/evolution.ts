import { mutate, sampleGenotype } from '../spaces/index.js';
import type { Told } from './controller.js';
import { perTrial } from './history.js';
import { compareCrowded, crowdedRanks, toMember, type Member } from './population.js';
import type { StrategyFactory } from './strategy.js';

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
