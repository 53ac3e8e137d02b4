import { type DecisionSpace, type Genotype, sampleGenotype } from '../../spaces/index.js';
import type { Told } from '../controller.js';
import { HistoryFold, perTrial } from '../history.js';
import { type Objective, type Values, violation } from '../objective.js';
import { relevantDecisions, type StrategyFactory } from './strategy.js';
import type { Random } from '../../base/random.js';

/** Random trials at the beginning, unless the experiment says otherwise. */
const startup = 10;

/** How many goals cover the frontier when no constraint says which part of it is wanted. */
const goalCount = 5;

/** Exponents of a soft target (Tan et al. 2019), and of targets that have to tell parts of the frontier apart. */
const soft = [-0.07, -0.07] as const;
const apart = [-0.07, -1] as const;

const learningRate = 0.3;

/** The weight of the entropy, which keeps a policy from settling too early. */
const entropyWeight = 0.05;

/** How fast the mean and the spread of rewards are forgotten, per trial. */
const forgetting = 0.1;

/** Advantages, in standard deviations, are cut here: a single lucky trial must not decide. */
const mostAdvantage = 3;

/** Draws from a policy before its temperature is raised by a step, not to draw only what was asked before. */
const patience = 10;

/** A policy, what it is after, and what it has seen. */
interface Learner {
  readonly goal: Goal;
  readonly policy: Policy;
  /** Exponential moving mean and variance of the rewards, and the number of rewards. */
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

interface State {
  /** Results before there are goals. */
  readonly first: readonly Told[];
  /** Empty until then. */
  readonly learners: readonly Learner[];
}

/** A bound that was written for an objective, as a target. */
function boundOf({ direction, constraint }: Objective): number | undefined {
  const bound = direction === 'minimize' ? constraint?.max : constraint?.min;
  return bound !== undefined && bound > 0 ? bound : undefined;
}

/**
 * The goals: for objectives with a bound that bound, softly; for all others values from the best to the worst that the
 * first trials had, evenly spaced in their order, one for each goal.
 */
function goalsOf(objectives: readonly Objective[], first: readonly Values[]): Goal[] {
  const quality = qualityOf(objectives);
  const others = objectives.filter((objective) => objective !== quality);
  const bounded = others.every((objective) => boundOf(objective) !== undefined);
  const count = bounded || first.length === 0 ? 1 : goalCount;
  return Array.from({ length: count }, (_, i) => ({
    quality,
    targets: others.flatMap((objective): Target[] => {
      const bound = boundOf(objective);
      if (bound !== undefined) return [{ objective, value: bound, exponents: soft }];
      const values = first.map((known) => known[objective.name]).filter((value) => value > 0);
      if (values.length === 0) return [];
      values.sort((a, b) => (objective.direction === 'minimize' ? a - b : b - a));
      return [
        { objective, value: values[Math.round((i * (values.length - 1)) / Math.max(1, count - 1))], exponents: apart },
      ];
    }),
  }));
}

/** `accuracy, latency_ms about 3.2`: what a goal is after besides quality. */
const describe = ({ quality, targets }: Goal): string =>
  [quality.name, ...targets.map(({ objective, value }) => `${objective.name} about ${value.toPrecision(3)}`)].join(
    ', ',
  );

/**
 * A policy learnt by policy gradient, as in MnasNet (Tan et al. 2019): a factorised categorical distribution over the
 * decisions, updated by REINFORCE (Williams 1992) with the reward accuracy * (latency / target)^w, a moving baseline and
 * an entropy bonus. The target of an objective is its constraint. Without one, several policies with targets spread over
 * the values of the first trials take turns, to cover the frontier; each learns from all trials, weighted by how likely
 * it would have asked for them itself (at most 1). The policies are a fold over the history. The first trials are random.
 */
export const reinforceStrategy: StrategyFactory = (config, { space, objectives }) => {
  const wait = config.startup ?? startup;
  const relevanceOf = perTrial(({ genotype }) => relevantDecisions(space, genotype));

  const learn = (learner: Learner, told: Told, weight: number): Learner => {
    const value = reward(learner.goal, objectives, told);
    const { mean, variance, count, policy } = learner;
    const difference = value - mean;
    const rate = Math.max(forgetting, 1 / (count + 1));
    const next = {
      ...learner,
      mean: mean + rate * difference,
      variance: (1 - rate) * (variance + rate * difference ** 2),
      count: count + 1,
    };
    const deviation = Math.sqrt(next.variance);
    if (count === 0 || deviation === 0) return next;
    const advantage = Math.max(-mostAdvantage, Math.min(mostAdvantage, difference / deviation));
    return {
      ...next,
      policy: reinforced(policy, {
        genotype: told.genotype,
        relevant: relevanceOf(told),
        advantage: learningRate * weight * advantage,
        entropy: learningRate * entropyWeight,
      }),
    };
  };

  const teach = (learners: readonly Learner[], told: Told): Learner[] => {
    const relevant = relevanceOf(told);
    const asker = learners[told.number % learners.length];
    const asked = logProbability(asker.policy, told.genotype, relevant);
    return learners.map((learner) => {
      const own = learner === asker ? asked : logProbability(learner.policy, told.genotype, relevant);
      return learn(learner, told, Math.min(1, Math.exp(own - asked)));
    });
  };

  const states = new HistoryFold<State>({ first: [], learners: [] }, ({ first, learners }, told) => {
    if (learners.length > 0) return { first, learners: teach(learners, told) };
    const results = [...first, told];
    if (results.length < wait) return { first: results, learners };
    const goals = goalsOf(
      objectives,
      results.filter(({ state }) => state === 'complete').map(({ values }) => values),
    );
    const fresh = goals.map((goal): Learner => ({
      goal,
      policy: uniformPolicy(space),
      mean: 0,
      variance: 0,
      count: 0,
    }));
    return { first: [], learners: results.reduce<readonly Learner[]>(teach, fresh) };
  });

  return (context, random) => {
    const { learners } = states.at(context.history);
    if (context.number < wait || learners.length === 0)
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first trials' });
    const { goal, policy } = learners[context.number % learners.length];
    let draws = 0;
    return () => {
      const temperature = 1 + Math.floor(draws++ / patience) / 2;
      return {
        genotype: space.canonical(samplePolicy(policy, temperature, random)),
        reason: `policy for ${describe(goal)}`,
      };
    };
  };
};

/** A factorised categorical policy: for each decision, the logits of its choices. */
type Policy = readonly (readonly number[])[];

export const uniformPolicy = ({ decisions }: DecisionSpace): Policy =>
  decisions.map(({ choices }) => choices.map(() => 0));

/** The probabilities of one decision's choices; a temperature above 1 makes them more alike. */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Draws a genotype, not canonical. */
export const samplePolicy = (policy: Policy, temperature: number, random: Random): Genotype =>
  policy.map((logits) => {
    let left = random.uniform();
    const found = softmax(logits, temperature).findIndex((probability) => (left -= probability) < 0);
    return found === -1 ? logits.length - 1 : found;
  });

/** The logarithm of a genotype's probability, as far as its decisions say anything. */
export const logProbability = (policy: Policy, genotype: Genotype, relevant: readonly boolean[]): number =>
  policy.reduce((sum, logits, i) => sum + (relevant[i] ? Math.log(softmax(logits)[genotype[i]]) : 0), 0);

/** How far one result moves a policy. */
interface PolicyStep {
  readonly genotype: Genotype;
  readonly relevant: readonly boolean[];
  /** How much better than expected, in standard deviations; scaled by the learning rate. */
  readonly advantage: number;
  /** The weight of the entropy, which keeps the policy from settling too early; scaled by the learning rate. */
  readonly entropy: number;
}

/**
 * One step of REINFORCE (Williams 1992): the gradient of the logarithm of the probability of what was done, times the
 * advantage, plus the gradient of the policy's entropy.
 */
export function reinforced(policy: Policy, { genotype, relevant, advantage, entropy }: PolicyStep): Policy {
  return policy.map((logits, i) => {
    if (!relevant[i]) return logits;
    const probabilities = softmax(logits);
    const mean = probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
    return logits.map((logit, choice) => {
      const p = probabilities[choice];
      const towards = (choice === genotype[i] ? 1 : 0) - p;
      const spread = p > 0 ? -p * (Math.log(p) - mean) : 0;
      return logit + advantage * towards + entropy * spread;
    });
  });
}

/** What a policy is after: one objective as good as can be, and a target for each of the others. */
export interface Goal {
  readonly quality: Objective;
  readonly targets: readonly Target[];
}

interface Target {
  readonly objective: Objective;
  readonly value: number;
  /** The exponents when the target is met, and when it is missed; 0 or negative. */
  readonly exponents: readonly [met: number, missed: number];
}

/** The objective that decides: the first that is known only after training. */
export const qualityOf = (objectives: readonly Objective[]): Objective =>
  objectives.find(({ cost }) => cost === 'expensive') ?? objectives[0];

/** How many times the target a value is: above 1 is worse, whichever direction is better. */
const excess = ({ objective, value: target }: Target, value: number): number =>
  objective.direction === 'minimize' ? value / target : target / value;

/**
 * The reward of MnasNet (Tan et al. 2019, equation 2): accuracy times (latency / target)^w for each target. A quality
 * that is to be minimised counts as its reciprocal. Failed trials, trials that break a constraint, and values that are
 * not positive numbers are worth 0.
 */
export function reward({ quality, targets }: Goal, objectives: readonly Objective[], told: Told): number {
  if (told.state !== 'complete' || violation(objectives, told.values) > 0) return 0;
  const value = told.values[quality.name];
  let product = quality.direction === 'maximize' ? value : 1 / value;
  for (const target of targets) {
    const times = excess(target, told.values[target.objective.name]);
    product *= times ** (times <= 1 ? target.exponents[0] : target.exponents[1]);
  }
  return Number.isFinite(product) && product > 0 ? product : 0;
}
