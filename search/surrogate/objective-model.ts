import { meanOrZero, sum } from '../../base/statistics.js';
import type { TrialResult } from '../controller.js';
import { observed, type Objective } from '../objective.js';
import { confirmed, type EarlierModel, type Expectation } from './earlier.js';
import type { Encoded, Encoder } from './encoding.js';
import { GaussianProcess, PoolPosterior, RowMemory, type Prediction } from './gaussian-process.js';
import { fitHyperparameters, priorOf } from './hyperparameters.js';
import { Kernel } from './kernel.js';
import { Warp } from './warp.js';

/** Most trials that a fit keeps; later ones are added to them. */
const capacity = 200;

const startsWith = (all: readonly TrialResult[], beginning: readonly TrialResult[]): boolean =>
  beginning.length <= all.length && beginning.every((trial, i) => trial === all[i]);

/** The model of one expensive objective, conditioned on trials; predictions are on the scale of its warp. */
export interface ConditionedModel {
  readonly warp: Warp;
  /** Predictions of the pending candidates. */
  readonly expected: Prediction;
  /** The posterior mean at each trial that the model has learned from, as a value of the objective. */
  readonly believed: ReadonlyMap<TrialResult, number>;
  /** Predictions as if the pending candidates had been observed at their expected values. */
  predict(candidates: Encoded): Prediction;
}

/**
 * The model of one expensive objective. Predictions follow from the given trials alone; it caches its observations and
 * its posterior over the pool, to add only new trials.
 */
export class ObjectiveModel {
  private readonly fit: Fit;
  private readonly base: readonly TrialResult[];
  private learned: readonly TrialResult[] = [];
  private process: GaussianProcess;
  private readonly memory = new RowMemory();
  private pool:
    | { readonly candidates: Encoded; readonly posterior: PoolPosterior; readonly earlier: Prediction | undefined }
    | undefined;

  /**
   * @param trials to fit to, each with a value of the objective.
   * @param earlier what earlier runs say of the objective; counts as far as the trials confirm it.
   */
  constructor(
    private readonly objective: Objective,
    private readonly encoder: Encoder,
    private readonly trials: readonly TrialResult[],
    earlier: readonly EarlierModel[] = [],
  ) {
    this.base = selected(trials, objective, capacity);
    this.fit = fitTo(trials, objective, encoder, earlier);
    this.process = this.empty();
  }

  get warp(): Warp {
    return this.fit.warp;
  }

  /** Cheap predictions from the most informative `count` of its trials. */
  sketch(candidates: Encoded, count: number): Prediction {
    const process = this.empty();
    this.observe(process, selected(this.base, this.objective, count));
    return this.whole(candidates, new PoolPosterior(process, candidates).predict());
  }

  /** The share of the variance of its trials' values that the respective other trials explain; at most 1, 0 or less for noise. */
  explained(): number {
    const targets = this.base.map((trial) => this.warp.apply(observed(this.objective, trial) ?? 0));
    const errors = this.learn(this.base).leaveOneOut();
    const center = meanOrZero(targets);
    return 1 - sum(errors.map((error) => error ** 2)) / sum(targets.map((target) => (target - center) ** 2));
  }

  /**
   * Conditions the model on trials (the fitted ones and later ones) and on pending candidates.
   * @param pool always the same candidates; their predictions are cached.
   */
  at(trials: readonly TrialResult[], pending: Encoded, pool: Encoded | undefined): ConditionedModel {
    const process = this.learn([...this.base, ...trials.slice(this.trials.length)]);
    const { warp, expectation } = this.fit;
    const noise = process.residuals();
    const means = this.learned.map((trial, i) => warp.apply(observed(this.objective, trial) ?? 0) - noise[i]);
    const believed = new Map(this.learned.map((trial, i) => [trial, warp.invert(means[i])]));
    const expected = this.whole(pending, new PoolPosterior(process, pending).predict());
    const predict = (candidates: Encoded): Prediction => {
      if (candidates !== pool)
        return this.whole(candidates, new PoolPosterior(process, candidates, this.memory).predict(pending));
      this.pool ??= {
        ...{ candidates, posterior: new PoolPosterior(process, candidates) },
        earlier: expectation?.(candidates),
      };
      this.pool.posterior.follow();
      return this.whole(candidates, this.pool.posterior.predict(pending), this.pool.earlier);
    };
    return { warp, expected, believed, predict };
  }

  /**
   * Adds the prediction of earlier runs to that of the difference from it. Observations lower the variance of both by the same share.
   */
  private whole(candidates: Encoded, difference: Prediction, earlier = this.fit.expectation?.(candidates)): Prediction {
    if (earlier === undefined) return difference;
    const prior = this.fit.kernel.variances(candidates);
    return {
      mean: difference.mean.map((value, i) => value + earlier.mean[i]),
      variance: difference.variance.map((value, i) => value * (1 + earlier.variance[i] / prior[i])),
    };
  }

  private learn(wanted: readonly TrialResult[]): GaussianProcess {
    if (!startsWith(wanted, this.learned)) {
      this.process = this.empty();
      this.pool = undefined;
      this.learned = [];
    }
    this.observe(this.process, wanted.slice(this.learned.length));
    this.learned = wanted;
    return this.process;
  }

  private empty(): GaussianProcess {
    return new GaussianProcess(this.fit.kernel, this.encoder.width, this.encoder.distances.length);
  }

  private observe(process: GaussianProcess, trials: readonly TrialResult[]): void {
    const encoded = this.encoder.encode(trials.map(({ genotype }) => genotype));
    const { warp, expectation } = this.fit;
    const means = expectation?.(encoded).mean;
    for (const [i, trial] of trials.entries()) {
      const target = warp.apply(observed(this.objective, trial) ?? 0) - (means?.[i] ?? 0);
      process.observe(encoded, i, target, extraVariance(this.objective, trial, warp));
    }
  }
}

/** The variance of an extrapolated value, on the scale of the warp. */
function extraVariance(objective: Objective, trial: TrialResult, warp: Warp): number {
  const deviation = trial.deviations?.[objective.name] ?? 0;
  return deviation === 0 ? 0 : (deviation * warp.slope(observed(objective, trial) ?? 0)) ** 2;
}

interface Fit {
  readonly warp: Warp;
  /** The prediction of earlier runs. The kernel models the difference from it. Undefined without such runs. */
  readonly expectation: Expectation | undefined;
  readonly kernel: Kernel;
}

/** Most trials that hyper-parameters are fitted to. */
const enough = 80;

/** `count` of the trials, in their order: half of them the best by value, the rest evenly spread over the others. */
function selected(trials: readonly TrialResult[], objective: Objective, count: number): readonly TrialResult[] {
  if (trials.length <= count) return trials;
  const value = (trial: TrialResult): number => observed(objective, trial) ?? Infinity;
  const order = [...trials.keys()].sort((a, b) => value(trials[a]) - value(trials[b]) || a - b);
  const best = Math.ceil(count / 2);
  const rest = order.slice(best).sort((a, b) => a - b);
  const chosen = new Set(order.slice(0, best));
  for (let i = 0; i < count - best; i++) chosen.add(rest[Math.floor(((i + 0.5) * rest.length) / (count - best))]);
  return trials.filter((_, i) => chosen.has(i));
}

function fitTo(
  trials: readonly TrialResult[],
  objective: Objective,
  encoder: Encoder,
  earlier: readonly EarlierModel[],
): Fit {
  const values = (some: readonly TrialResult[]): number[] => some.map((trial) => observed(objective, trial) ?? 0);
  const warp = Warp.of(values(trials));
  const used = selected(trials, objective, enough);
  const encoded = encoder.encode(used.map(({ genotype }) => genotype));
  const targets = Float64Array.from(values(used), (value) => warp.apply(value));
  const expectation = earlier.length === 0 ? undefined : confirmed(earlier, encoded, targets);
  const means = expectation?.(encoded).mean;
  const theta = fitHyperparameters(encoder, encoded, {
    targets: means === undefined ? targets : targets.map((value, i) => value - means[i]),
    extraVariances: Float64Array.from(used, (trial) => extraVariance(objective, trial, warp)),
  });
  return { warp, expectation, kernel: new Kernel(encoder, theta) };
}

/** The smallest probability of success. */
const minSuccess = 0.02;
/** Latest trials that the probability of success is learnt from. */
const memory = 200;

const failed = ({ state }: TrialResult): boolean => state === 'failed';

/**
 * The probability that training a candidate does not fail, by least-squares classification with a Gaussian process
 * (Rasmussen & Williams 2006, section 6.5).
 */
export class SuccessModel {
  private readonly process: GaussianProcess;

  constructor(private readonly encoder: Encoder) {
    const kernel = new Kernel(encoder, priorOf(encoder).mean);
    this.process = new GaussianProcess(kernel, encoder.width, encoder.distances.length);
  }

  /** The probabilities of candidates, until the next call; undefined when nothing has failed yet. */
  at(history: readonly TrialResult[]): ((candidates: Encoded) => (candidate: number) => number) | undefined {
    if (!history.some(failed)) return undefined;
    const { process } = this;
    const latest = history.slice(-memory);
    const encoded = this.encoder.encode(latest.map(({ genotype }) => genotype));
    process.truncate(0);
    for (const [i, trial] of latest.entries()) process.observe(encoded, i, failed(trial) ? -1 : 0);
    return (candidates) => {
      const mean = process.meanOf(candidates);
      return (candidate) => Math.min(1, Math.max(minSuccess, 1 + mean(candidate)));
    };
  }
}
