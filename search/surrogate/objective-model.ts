import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Encoded, Encoder } from './encoding.js';
import { fitTo, fittedAt, observed, selected, type Fit } from './fit.js';
import { GaussianProcess, type Prediction } from './gaussian-process.js';
import { PoolPosterior } from './pool-posterior.js';
import type { Warp } from './warp.js';

/** A model is made of so many observations at most when it is fitted; those that come later are added to them. */
const capacity = 300;

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
 * The model of one expensive objective. What it predicts follows from the trials it is given; it remembers the last
 * fit, its observations and what they say of the pool, to add only what is new.
 */
export class ObjectiveModel {
  private fit: (Fit & { readonly to: readonly Told[]; readonly base: readonly Told[] }) | undefined;
  private process: GaussianProcess | undefined;
  private posterior: PoolPosterior | undefined;
  private learned: readonly Told[] = [];

  /**
   * @param first observations before the first fit.
   * @param pool candidates whose predictions are kept up.
   */
  constructor(
    private readonly objective: Objective,
    private readonly encoder: Encoder,
    private readonly first: number,
    private readonly pool: Encoded | undefined,
  ) {}

  /** Conditions the model on trials (each with a value of the objective, at least `first`) and on pending candidates. */
  at(trials: readonly Told[], pending: Encoded): Conditioned {
    const { warp, process } = this.learn(trials);
    const { pool, posterior } = this;
    const expected = process.predict(pending);
    const predict = (candidates: Encoded): Prediction => {
      if (posterior !== undefined && candidates === pool) return posterior.predict(pending);
      const known = process.observations;
      for (let i = 0; i < pending.count; i++) process.observe(pending, i);
      const prediction = process.predict(candidates);
      process.truncate(known);
      return prediction;
    };
    return { warp, expected, predict };
  }

  private learn(trials: readonly Told[]): { warp: Warp; process: GaussianProcess } {
    const { encoder, objective } = this;
    const length = fittedAt(trials.length, this.first);
    let fit = this.fit;
    if (fit?.to.length !== length || !startsWith(trials, fit.to)) {
      const to = trials.slice(0, length);
      fit = { to, base: selected(to, objective, capacity), ...fitTo(to, objective, encoder) };
      this.process = undefined;
    }
    this.fit = fit;
    const wanted = [...fit.base, ...trials.slice(length)];
    let process = this.process;
    if (process === undefined || !startsWith(wanted, this.learned)) {
      process = new GaussianProcess(fit.kernel, encoder.width, encoder.distances.length);
      this.posterior = this.pool && new PoolPosterior(process, this.pool);
    }
    this.process = process;
    const fresh = wanted.slice(process.observations);
    const encoded = encoder.encode(fresh.map(({ genotype }) => genotype));
    for (const [i, told] of fresh.entries()) {
      process.observe(encoded, i, fit.warp.apply(observed(objective, told) ?? 0));
      this.posterior?.follow(encoded, i);
    }
    this.learned = wanted;
    return { warp: fit.warp, process };
  }
}
