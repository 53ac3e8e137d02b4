import type { Random } from '../../base/random.js';
import { sum } from '../../base/statistics.js';
import { sampleGenotype, type DecisionSpace, type Genotype } from '../../spaces/index.js';
import type { TrialResult } from '../controller.js';
import { HistoryFold, perTrial } from '../history.js';
import { violation, type Objective, type Values } from '../objective.js';
import { drawIndex, relevantDecisions, type StrategyFactory } from './strategy.js';

/** Default number of random first trials. */
const startup = 10;

/** Goals that cover the frontier when no constraint chooses a part of it. */
const goalCount = 5;

/** Exponents of a soft target (Tan et al. 2019), and of the targets of several goals, which have to differ. */
const soft = [-0.07, -0.07] as const;
const distinct = [-0.07, -1] as const;

const learningRate = 0.3;

/** Keeps a policy from converging too early. */
const entropyWeight = 0.05;

/** Rate of the exponential moving mean and variance of the rewards. */
const rewardRate = 0.1;

/** Advantages, in standard deviations, are clipped here. */
const maxAdvantage = 3;

/** Draws from a policy before its temperature rises by a step, as it may draw only networks that were asked before. */
const patience = 10;

interface Learner {
  readonly goal: Goal;
  readonly policy: Policy;
  /** Of the rewards. */
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

interface State {
  /** The first trials, until goals are made of them. */
  readonly first: readonly TrialResult[];
  /** Empty until then. */
  readonly learners: readonly Learner[];
}

/** The constraint of an objective as a target. */
function boundOf({ direction, constraint }: Objective): number | undefined {
  const bound = direction === 'minimize' ? constraint?.max : constraint?.min;
  return bound !== undefined && bound > 0 ? bound : undefined;
}

/**
 * Goals whose targets are, for objectives with a bound, that bound (softly), and for all others quantiles of the first
 * trials' values, from the best to the worst.
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
      const value = values[Math.round((i * (values.length - 1)) / Math.max(1, count - 1))];
      return [{ objective, value, exponents: distinct }];
    }),
  }));
}

/** `accuracy, latency_ms about 3.2`. */
const describe = ({ quality, targets }: Goal): string =>
  [quality.name, ...targets.map(({ objective, value }) => `${objective.name} about ${value.toPrecision(3)}`)].join(
    ', ',
  );

/**
 * Policy gradient as in MnasNet (Tan et al. 2019): a factorised categorical policy over the decisions, updated by REINFORCE
 * (Williams 1992) with the reward accuracy * (latency / target)^w, a moving baseline and an entropy bonus. The target of
 * an objective is its constraint. Without one, several policies with targets spread over the values of the first trials
 * ask by turns, to cover the frontier; each learns from all trials, weighted by the importance ratio to the policy that
 * asked (at most 1). The first trials are random.
 */
export const reinforceStrategy: StrategyFactory = (config, { space, objectives }) => {
  const wait = config.startup ?? startup;
  const relevanceOf = perTrial(({ genotype }) => relevantDecisions(space, genotype));

  const learn = (learner: Learner, trial: TrialResult, weight: number): Learner => {
    const value = reward(learner.goal, objectives, trial);
    const { mean, variance, count, policy } = learner;
    const difference = value - mean;
    const rate = Math.max(rewardRate, 1 / (count + 1));
    const next = {
      ...learner,
      mean: mean + rate * difference,
      variance: (1 - rate) * (variance + rate * difference ** 2),
      count: count + 1,
    };
    const deviation = Math.sqrt(next.variance);
    if (count === 0 || deviation === 0) return next;
    const advantage = Math.max(-maxAdvantage, Math.min(maxAdvantage, difference / deviation));
    return {
      ...next,
      policy: reinforced(policy, {
        genotype: trial.genotype,
        relevant: relevanceOf(trial),
        advantage: learningRate * weight * advantage,
        entropy: learningRate * entropyWeight,
      }),
    };
  };

  const teach = (learners: readonly Learner[], trial: TrialResult): Learner[] => {
    const relevant = relevanceOf(trial);
    const asker = learners[trial.number % learners.length];
    const asked = logProbability(asker.policy, trial.genotype, relevant);
    return learners.map((learner) => {
      const own = learner === asker ? asked : logProbability(learner.policy, trial.genotype, relevant);
      return learn(learner, trial, Math.min(1, Math.exp(own - asked)));
    });
  };

  const states = new HistoryFold<State>({ first: [], learners: [] }, ({ first, learners }, trial) => {
    if (learners.length > 0) return { first, learners: teach(learners, trial) };
    const results = [...first, trial];
    if (results.length < wait) return { first: results, learners };
    const goals = goalsOf(
      objectives,
      results.filter(({ state }) => state === 'complete').map(({ values }) => values),
    );
    const fresh = goals.map((goal) => ({ goal, policy: uniformPolicy(space), mean: 0, variance: 0, count: 0 }));
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
      const genotype = space.canonical(samplePolicy(policy, temperature, random));
      return { genotype, reason: `policy for ${describe(goal)}` };
    };
  };
};

/** A factorised categorical policy: for each decision, the logits of its choices. */
type Policy = readonly (readonly number[])[];

export const uniformPolicy = ({ decisions }: DecisionSpace): Policy =>
  decisions.map(({ choices }) => choices.map(() => 0));

/** The probabilities of one decision's choices. */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/** Draws a genotype, not canonical. */
export const samplePolicy = (policy: Policy, temperature: number, random: Random): Genotype =>
  policy.map((logits) => drawIndex(softmax(logits, temperature), random));

/** The log-probability of a genotype's relevant decisions. */
export const logProbability = (policy: Policy, genotype: Genotype, relevant: readonly boolean[]): number =>
  policy.reduce((sum, logits, i) => sum + (relevant[i] ? Math.log(softmax(logits)[genotype[i]]) : 0), 0);

interface PolicyStep {
  readonly genotype: Genotype;
  readonly relevant: readonly boolean[];
  /** In standard deviations of the reward, times the learning rate. */
  readonly advantage: number;
  /** The weight of the entropy, times the learning rate. */
  readonly entropy: number;
}

/** One step of REINFORCE (Williams 1992): advantage times the gradient of the log-probability, plus that of the entropy. */
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

/** One objective to optimise, and targets for the others. */
export interface Goal {
  readonly quality: Objective;
  readonly targets: readonly Target[];
}

interface Target {
  readonly objective: Objective;
  readonly value: number;
  /** Not positive. */
  readonly exponents: readonly [met: number, missed: number];
}

/** The first objective that is known only after training. */
export const qualityOf = (objectives: readonly Objective[]): Objective =>
  objectives.find(({ cost }) => cost === 'expensive') ?? objectives[0];

/** The ratio of a value to its target, above 1 when the target is missed. */
const excess = ({ objective, value: target }: Target, value: number): number =>
  objective.direction === 'minimize' ? value / target : target / value;

/**
 * The reward of MnasNet (Tan et al. 2019, equation 2): accuracy times (latency / target)^w for each target. A quality that
 * is minimised counts as its reciprocal. Failed trials, broken constraints and values that are not positive give 0.
 */
export function reward({ quality, targets }: Goal, objectives: readonly Objective[], trial: TrialResult): number {
  if (trial.state !== 'complete' || violation(objectives, trial.values) > 0) return 0;
  const value = trial.values[quality.name];
  let product = quality.direction === 'maximize' ? value : 1 / value;
  for (const target of targets) {
    const times = excess(target, trial.values[target.objective.name]);
    product *= times ** (times <= 1 ? target.exponents[0] : target.exponents[1]);
  }
  return Number.isFinite(product) && product > 0 ? product : 0;
}
