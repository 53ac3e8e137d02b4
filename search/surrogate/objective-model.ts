import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Encoded, Encoder } from './encoding.js';
import { doubtOf, fitTo, observed, selected, type Fit } from './fit.js';
import { GaussianProcess, type Prediction } from './gaussian-process.js';
import { PoolPosterior } from './pool-posterior.js';
import type { Warp } from './warp.js';

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
