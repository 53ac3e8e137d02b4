import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Encoded, Encoder } from './encoding.js';
import { GaussianProcess, PoolPosterior, type Prediction } from './gaussian-process.js';
import { Warp } from './warp.js';
import { fitHyperparameters, priorOf } from './hyperparameters.js';
import { Kernel } from './kernel.js';

/** A model is made of so many observations at most when it is fitted; those that come later are added to them. */
const capacity = 200;

const startsWith = (all: readonly Told[], beginning: readonly Told[]): boolean =>
  beginning.length <= all.length && beginning.every((told, i) => told === all[i]);

/** What is believed of one expensive objective, on the scale of its warp. */
export interface Conditioned {
  readonly warp: Warp;
  /** Of the candidates that are pending. */
  readonly expected: Prediction;
  /** Of other candidates, as if the pending ones had been observed to be what is expected of them. */
  predict(candidates: Encoded): Prediction;
}

/**
 * The model of one expensive objective. What it predicts follows from the trials it is given; it remembers its
 * observations and what they say of the pool, to add only what is new.
 */
export class ObjectiveModel {
  private readonly fit: Fit;
  private readonly base: readonly Told[];
  private learned: readonly Told[] = [];
  private process: GaussianProcess;
  private pool: { readonly candidates: Encoded; readonly posterior: PoolPosterior } | undefined;

  /** @param trials that it is fitted to, each with a value of the objective. */
  constructor(
    private readonly objective: Objective,
    private readonly encoder: Encoder,
    private readonly trials: readonly Told[],
  ) {
    this.base = selected(trials, objective, capacity);
    this.fit = fitTo(trials, objective, encoder);
    this.process = this.empty();
  }

  /** The scale of its predictions. */
  get warp(): Warp {
    return this.fit.warp;
  }

  /** What the most telling `count` of its trials alone say of candidates. */
  sketch(candidates: Encoded, count: number): Prediction {
    const process = this.empty();
    this.observe(process, selected(this.base, this.objective, count));
    return new PoolPosterior(process, candidates).predict();
  }

  /**
   * Conditions the model on trials (those that it is fitted to, and later ones) and on pending candidates.
   *
   * @param pool candidates whose predictions are kept up; always the same.
   */
  at(trials: readonly Told[], pending: Encoded, pool: Encoded | undefined): Conditioned {
    const process = this.learn([...this.base, ...trials.slice(this.trials.length)]);
    const expected = new PoolPosterior(process, pending).predict();
    const predict = (candidates: Encoded): Prediction => {
      if (candidates !== pool) return new PoolPosterior(process, candidates).predict(pending);
      this.pool ??= { candidates, posterior: new PoolPosterior(process, candidates) };
      this.pool.posterior.follow();
      return this.pool.posterior.predict(pending);
    };
    return { warp: this.fit.warp, expected, predict };
  }

  private learn(wanted: readonly Told[]): GaussianProcess {
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

  private observe(process: GaussianProcess, trials: readonly Told[]): void {
    const encoded = this.encoder.encode(trials.map(({ genotype }) => genotype));
    const { warp } = this.fit;
    for (const [i, told] of trials.entries()) {
      const target = warp.apply(observed(this.objective, told) ?? 0);
      process.observe(encoded, i, target, doubtOf(this.objective, told, warp));
    }
  }
}

/** An expensive objective's value, turned so that smaller is better; undefined when the trial has none. */
export function observed({ name, direction }: Objective, { values }: Told): number | undefined {
  const value = values[name];
  if (!(name in values) || !Number.isFinite(value)) return undefined;
  return direction === 'minimize' ? value : -value;
}

/** The variance of an objective's value, on its scale, that comes from its being foreseen only. */
function doubtOf(objective: Objective, told: Told, warp: Warp): number {
  const deviation = told.deviations?.[objective.name] ?? 0;
  return deviation === 0 ? 0 : (deviation * warp.slope(observed(objective, told) ?? 0)) ** 2;
}

/** An objective's scale, and the kernel that explains it best. */
interface Fit {
  readonly warp: Warp;
  readonly kernel: Kernel;
}

/** Hyper-parameters are fitted to so many observations at most: the best and, of the others, evenly many of all ages. */
const enough = 80;

/** `count` of the trials: the better half by value, the rest evenly over the others; in the order given. */
function selected(trials: readonly Told[], objective: Objective, count: number): readonly Told[] {
  if (trials.length <= count) return trials;
  const value = (told: Told): number => observed(objective, told) ?? Infinity;
  const order = [...trials.keys()].sort((a, b) => value(trials[a]) - value(trials[b]) || a - b);
  const best = Math.ceil(count / 2);
  const rest = order.slice(best).sort((a, b) => a - b);
  const chosen = new Set(order.slice(0, best));
  for (let i = 0; i < count - best; i++) chosen.add(rest[Math.floor(((i + 0.5) * rest.length) / (count - best))]);
  return trials.filter((_, i) => chosen.has(i));
}

/** Fits a model of an objective to trials that have a value of it. */
function fitTo(trials: readonly Told[], objective: Objective, encoder: Encoder): Fit {
  const values = (some: readonly Told[]): number[] => some.map((told) => observed(objective, told) ?? 0);
  const warp = Warp.of(values(trials));
  const used = selected(trials, objective, enough);
  const theta = fitHyperparameters(encoder, encoder.encode(used.map(({ genotype }) => genotype)), {
    targets: Float64Array.from(values(used), (value) => warp.apply(value)),
    doubts: Float64Array.from(used, (told) => doubtOf(objective, told, warp)),
  });
  return { warp, kernel: new Kernel(encoder, theta) };
}

/** No candidate is given up entirely. */
const least = 0.02;
/** So many of the latest trials are looked at. */
const memory = 200;

/** Whether training gave nothing to learn from. */
const failed = ({ state }: Told): boolean => state === 'failed';

/**
 * How likely a candidate is to be trained without failing: the labels 1 and 0 of past trials, smoothed by a Gaussian
 * process (least-squares classification, Rasmussen & Williams 2006, section 6.5); undefined when nothing failed yet.
 */
export function successOf(
  history: readonly Told[],
  encoder: Encoder,
): ((candidates: Encoded) => (candidate: number) => number) | undefined {
  if (!history.some(failed)) return undefined;
  const latest = history.slice(-memory);
  const kernel = new Kernel(encoder, priorOf(encoder).mean);
  const process = new GaussianProcess(kernel, encoder.width, encoder.distances.length);
  const encoded = encoder.encode(latest.map(({ genotype }) => genotype));
  for (const [i, told] of latest.entries()) process.observe(encoded, i, failed(told) ? -1 : 0);
  return (candidates) => {
    const mean = process.meanOf(candidates);
    return (candidate) => Math.min(1, Math.max(least, 1 + mean(candidate)));
  };
}
