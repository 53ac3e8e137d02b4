import { existing, genotypeId, sampleGenotype } from '../spaces/index.js';
import { perTrial } from './history.js';
import { ParzenEstimator, type Observation } from './parzen.js';
import { toMember, type Member } from './population.js';
import { relevantDecisions } from './relevance.js';
import { split } from './split.js';
import { bestFirst, type Scored, type StrategyFactory } from './strategy.js';

/** Random trials at the beginning, unless the experiment says otherwise. */
const startup = 8;

/** How many candidates are drawn from the good trials' distribution, and compared. */
const candidates = 24;

/** Draws for each candidate that may turn out to have been asked before. */
const draws = 8;

/** The share of the trials that are good, and the most that there are. */
const goodShare = 0.3;
const mostGood = 50;

/** How many of the latest trials count fully against a candidate; earlier ones count less the older they are. */
const fullWeights = 25;

function weightByAge(count: number): number[] {
  const old = Math.max(0, count - fullWeights);
  return Array.from({ length: count }, (_, i) => (i < old ? 1 / count + ((1 - 1 / count) * i) / old : 1));
}

/**
 * The multi-objective tree-structured Parzen estimator (Ozaki et al. 2020, 2022): two distributions over genotypes, one
 * of the good trials and one of all others; of candidates drawn from the first, the one whose probability is the
 * greatest relative to the second. Decisions are modelled together (Falkner et al. 2018). The first trials are random.
 */
export const tpeStrategy: StrategyFactory = (config, { space, objectives }) => {
  const memberOf = perTrial((told) => toMember(objectives, told));
  const observationOf = perTrial(({ genotype }): Observation => ({
    genotype,
    relevant: relevantDecisions(space, genotype),
  }));
  const isMember = (member: Member | undefined): member is Member => member !== undefined;
  return (context, random, asked) => {
    const members = context.history.map(memberOf).filter(isMember);
    if (context.number < (config.startup ?? startup) || members.length === 0) {
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first trials' });
    }
    const { good, weights, others } = split(members, Math.min(mostGood, Math.ceil(goodShare * members.length)));
    const observe = (of: readonly Member[]): Observation[] => of.map(({ told }) => observationOf(told));
    const likely = new ParzenEstimator(space, observe(good), weights);
    const unlikely = new ParzenEstimator(space, observe(others), weightByAge(others.length));
    return bestFirst(() => {
      const drawn = new Map<string, Scored>();
      for (let i = 0; i < draws * candidates && drawn.size < candidates; i++) {
        const genotype = existing(space, space.canonical(likely.sample(random)), random);
        const id = genotypeId(genotype);
        if (asked.has(id) || drawn.has(id)) continue;
        const score = likely.logDensity(genotype) - unlikely.logDensity(genotype);
        const ratio = Math.exp(score).toPrecision(2);
        drawn.set(id, {
          candidate: { genotype, reason: `${ratio} times likelier among the ${good.length} good trials` },
          score,
        });
      }
      if (drawn.size > 0) return [...drawn.values()];
      return [
        {
          candidate: { genotype: sampleGenotype(space, random), reason: 'random: all likely ones were tried' },
          score: 0,
        },
      ];
    });
  };
};
