import type { Random } from '../../base/random.js';
import { sum } from '../../base/statistics.js';
import {
  existing,
  genotypeId,
  sampleGenotype,
  type Decision,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';
import { perTrial } from '../history.js';
import { byVolume, hypervolumeContributions, justBeyond } from '../hypervolume.js';
import { nonDominatedFronts, scaled, type Point } from '../pareto.js';
import { toMember, type Member } from './population.js';
import { bestFirst, drawIndex, relevantDecisions, type Scored, type StrategyFactory } from './strategy.js';

/** Default number of random trials before the first model. */
const startup = 8;

/** Candidates drawn from the density of the good trials and compared. */
const candidates = 24;

/** Most draws per candidate, as draws may have been asked before. */
const draws = 8;

/** Share and largest number of good trials. */
const goodShare = 0.3;
const maxGood = 50;

/** Latest trials that have full weight in the density of the others; earlier ones have less, the older the less. */
const fullWeights = 25;

function weightByAge(count: number): number[] {
  const old = Math.max(0, count - fullWeights);
  return Array.from({ length: count }, (_, i) => (i < old ? 1 / count + ((1 - 1 / count) * i) / old : 1));
}

/**
 * The multi-objective tree-structured Parzen estimator (Ozaki et al. 2020, 2022): one density of the good trials and one
 * of all others; of candidates drawn from the first, the one with the greatest density ratio. Decisions are modelled
 * jointly (Falkner et al. 2018). The first trials are random.
 */
export const tpeStrategy: StrategyFactory = (config, { space, objectives }) => {
  const memberOf = perTrial((trial) => toMember(objectives, trial));
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
    const { good, weights, others } = split(members, Math.min(maxGood, Math.ceil(goodShare * members.length)));
    const observe = (of: readonly Member[]): Observation[] => of.map(({ trial }) => observationOf(trial));
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
      const candidate = { genotype: sampleGenotype(space, random), reason: 'random: all likely ones were tried' };
      return [{ candidate, score: 0 }];
    });
  };
};

/** An observed genotype, and which of its decisions matter. */
interface Observation {
  readonly genotype: Genotype;
  readonly relevant: readonly boolean[];
}

/** Numbers, such as kernel sizes and widths, are ordered. */
const isOrdinal = ({ choices }: Decision): boolean => choices.every((choice) => typeof choice === 'number');

/** Ratio of the probabilities of neighbouring choices that are ordered. */
const decay = 0.5;

/**
 * The kernel of one decision: for each observed choice, a row with the probabilities of all choices; the last row is
 * uniform, for a decision that does not matter. As in Bergstra et al. 2011, each choice has the prior weight 1 / `kernels`
 * and the observed one 1 more, so kernels narrow with more observations. Over ordered choices, the rest falls off with
 * the distance from the observed one.
 */
function kernelOf(decision: Decision, kernels: number): Float64Array[] {
  const count = decision.choices.length;
  const [own, other] = [1 + 1 / kernels, 1 / kernels].map((weight) => weight / (1 + count / kernels));
  const rows = Array.from({ length: count }, (_, observed) => {
    const shares = Array.from({ length: count }, (_, choice) =>
      choice === observed ? 0 : isOrdinal(decision) ? decay ** Math.abs(choice - observed) : 1,
    );
    const total = sum(shares);
    const rest = other * (count - 1);
    return Float64Array.from(shares, (share, choice) => (choice === observed ? own : (rest * share) / total));
  });
  return [...rows, new Float64Array(count).fill(1 / count)];
}

/**
 * The multivariate Parzen estimator (Falkner et al. 2018) with weights: a mixture of one product of kernels per observation
 * and of the uniform distribution.
 */
export class ParzenEstimator {
  private readonly kernels: readonly Float64Array[][];
  /** By observation and decision: the row of the decision's kernel. */
  private readonly rows: Uint16Array;
  private readonly total: number;

  /** @param weights one per observation; the uniform part has weight 1. */
  constructor(
    private readonly space: DecisionSpace,
    observations: readonly Observation[],
    private readonly weights: readonly number[],
  ) {
    const { decisions } = space;
    this.kernels = decisions.map((decision) => kernelOf(decision, observations.length + 1));
    this.rows = new Uint16Array(observations.length * decisions.length);
    let at = 0;
    for (const { genotype, relevant } of observations) {
      for (let i = 0; i < genotype.length; i++)
        this.rows[at++] = relevant[i] ? genotype[i] : decisions[i].choices.length;
    }
    this.total = weights.reduce((sum, weight) => sum + weight, 1);
  }

  /** Draws a genotype, not canonical. */
  sample(random: Random): Genotype {
    let left = random.uniform() * this.total;
    const found = this.weights.findIndex((weight) => (left -= weight) < 0);
    const { decisions } = this.space;
    return decisions.map(({ choices }, i) =>
      found === -1
        ? random.int(choices.length)
        : drawIndex(this.kernels[i][this.rows[found * decisions.length + i]], random),
    );
  }

  /** The logarithm of a genotype's probability. */
  logDensity(genotype: Genotype): number {
    const columns = genotype.map((choice, i) => Float64Array.from(this.kernels[i], (row) => row[choice]));
    let sum = columns.reduce((product, column) => product * column[column.length - 1], 1);
    let at = 0;
    for (const weight of this.weights) {
      let product = weight;
      for (const column of columns) product *= column[this.rows[at++]];
      sum += product;
    }
    return Math.log(sum / this.total);
  }
}

/** Good trials, each with a weight in (0, 1], and all others in trial order. */
interface Split {
  readonly good: readonly Member[];
  readonly weights: readonly number[];
  readonly others: readonly Member[];
}

const minWeight = 1e-3;

/** The indices of the best `count` points: whole fronts, and of the last one the subset with the most hypervolume. */
function bestOf(points: readonly Point[], count: number): number[] {
  const best: number[] = [];
  for (const front of nonDominatedFronts(points)) {
    const room = count - best.length;
    if (front.length > room) {
      if (room > 0) best.push(...byVolume(scaled(front.map((i) => points[i])), room).map((j) => front[j]));
      break;
    }
    best.push(...front);
  }
  return best.sort((a, b) => a - b);
}

/**
 * The split of Ozaki et al. 2022: good are the best `count` trials by non-domination rank, in the last front by
 * hypervolume. The weight of a good trial is its hypervolume contribution relative to the largest. Trials that break a
 * constraint are never good.
 */
export function split(members: readonly Member[], count: number): Split {
  const kept = members.filter(({ violation }) => violation === 0);
  const best = bestOf(
    kept.map(({ point }) => point),
    Math.min(count, kept.length),
  );
  const good = best.map((i) => kept[i]);
  const chosen = new Set(good);
  return { good, weights: weightsOf(good), others: members.filter((member) => !chosen.has(member)) };
}

function weightsOf(good: readonly Member[]): number[] {
  if (good.length === 0) return [];
  const points = scaled(good.map(({ point }) => point));
  const contributions = hypervolumeContributions(points, justBeyond(points[0].length));
  const most = Math.max(...contributions);
  return contributions.map((contribution) => (most > 0 ? Math.max(minWeight, contribution / most) : 1));
}
