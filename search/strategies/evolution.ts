import type { Random } from '../../base/random.js';
import {
  crossover,
  genotypeId,
  mutate,
  sampleGenotype,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';
import type { TrialResult } from '../controller.js';
import { HistoryFold, perTrial } from '../history.js';
import { compareCrowded, crowdedRanks, toMember, type Member } from './population.js';
import type { StrategyFactory } from './strategy.js';

/** The latest complete trials, oldest first. */
function latest(
  history: readonly TrialResult[],
  size: number,
  memberOf: (trial: TrialResult) => Member | undefined,
): Member[] {
  const members: Member[] = [];
  for (let i = history.length - 1; i >= 0 && members.length < size; i--) {
    const member = history[i].state === 'complete' ? memberOf(history[i]) : undefined;
    if (member !== undefined) members.push(member);
  }
  return members.reverse();
}

/**
 * Regularised evolution (Real et al. 2019): the population is the latest `population` complete trials, however good. Each
 * candidate is a mutation of the best of `tournament` members drawn with replacement; the best is by the crowded
 * comparison of Deb et al. 2002, which with one objective is the best value. The first `startup` trials (default: `population`) are random.
 */
export const evolutionStrategy: StrategyFactory = (config, { space, objectives }) => {
  const { population, startup = population } = config;
  const memberOf = perTrial((trial) => toMember(objectives, trial));
  return (context, random) => {
    const members = context.number < startup ? [] : latest(context.history, population, memberOf);
    if (members.length === 0)
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first population' });
    const ranked = crowdedRanks(members);
    return () => {
      let best = random.int(members.length);
      for (let i = 1; i < config.tournament; i++) {
        const rival = random.int(members.length);
        if (compareCrowded(ranked[rival], ranked[best]) < 0) best = rival;
      }
      const { number, genotype } = members[best].trial;
      return { genotype: mutate(space, genotype, random), reason: `mutation of trial ${number}` };
    };
  };
};

/** Adds a member; beyond `size`, the last one by the crowded comparison leaves (of equals, the latest). */
function survivors(members: readonly Member[], newcomer: Member, size: number): readonly Member[] {
  const all = [...members, newcomer];
  if (all.length <= size) return all;
  const ranked = crowdedRanks(all);
  let worst = 0;
  for (let i = 1; i < all.length; i++) if (compareCrowded(ranked[i], ranked[worst]) >= 0) worst = i;
  return all.toSpliced(worst, 1);
}

/** Mutates once per decision with probability 1 / decisions. */
function mutateSome(space: DecisionSpace, genotype: Genotype, random: Random): Genotype {
  let child = genotype;
  for (let i = 0; i < space.decisions.length; i++) {
    if (random.int(space.decisions.length) === 0) child = mutate(space, child, random);
  }
  return child;
}

/**
 * Steady-state NSGA-II (Deb et al. 2002, Durillo et al. 2009): each result joins the population of the best `population`
 * trials, and the worst by constrained non-domination and crowding leaves. Parents win binary tournaments; two are
 * recombined (uniform crossover) with probability `crossover`, and the child is mutated. The first `startup`
 * trials (default: `population`) are random. Trials whose measured values break a constraint take part, ranked after all others.
 */
export const nsga2Strategy: StrategyFactory = (config, { space, objectives }) => {
  const populations = new HistoryFold<readonly Member[]>([], (members, trial) => {
    const newcomer = toMember(objectives, trial);
    return newcomer === undefined ? members : survivors(members, newcomer, config.population);
  });
  return (context, random) => {
    const members = populations.at(context.history);
    if (context.number < (config.startup ?? config.population) || members.length === 0) {
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first population' });
    }
    const ranked = crowdedRanks(members);
    const parent = () => {
      const [a, b] = [random.int(members.length), random.int(members.length)];
      return members[compareCrowded(ranked[b], ranked[a]) < 0 ? b : a].trial;
    };
    return () => {
      const a = parent();
      const b = random.uniform() < config.crossover ? parent() : a;
      const crossed = a === b ? a.genotype : crossover(space, a.genotype, b.genotype, random);
      const child = mutateSome(space, crossed, random);
      // A copy of a parent was asked before.
      const copied = [a, b].some(({ genotype }) => genotypeId(genotype) === genotypeId(child));
      return {
        genotype: copied ? mutate(space, child, random) : child,
        reason: a === b ? `mutation of trial ${a.number}` : `crossover of trials ${a.number} and ${b.number}`,
      };
    };
  };
};
