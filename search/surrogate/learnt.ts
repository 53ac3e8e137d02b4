import { genotypeId } from '../../spaces/index.js';
import type { AskContext, Told } from '../controller.js';
import type { Objective } from '../objective.js';
import { targetOf } from './acquisition.js';
import type { Encoded } from './encoding.js';
import { observed } from './fit.js';
import { improvementOf, type Belief } from './improvement.js';
import { ObjectiveModel, type Conditioned } from './objective-model.js';
import { shortened, type Pool } from './pool.js';
import type { Scene } from './scene.js';

/** So many candidates of a space are looked at in each ask; which ones is decided when models are fitted. */
const shortlisted = 2000;
/** By what the most telling so many trials say of them, */
const sketched = 60;
/** with so many times the uncertainty: what later trials may make interesting is kept. */
const doubt = 2;

/** The trials that have a value of an objective. */
const withValue = (history: readonly Told[], objective: Objective): readonly Told[] =>
  history.filter((told) => observed(objective, told) !== undefined);

/** What was learnt from the first trials, to which later ones are added until it is fitted again. */
export class Learnt {
  /** A model for each expensive objective. */
  private readonly models: readonly (ObjectiveModel | undefined)[];
  /** The candidates that are looked at, where they are not evolved. */
  readonly pool: Pool;

  /**
   * @param to the beginning of the history that models are fitted to.
   * @param complete whether the scene's pool is the whole space.
   */
  constructor(
    private readonly objectives: readonly Objective[],
    private readonly scene: Scene,
    readonly to: readonly Told[],
    private readonly complete: boolean,
  ) {
    this.models = objectives.map((objective) =>
      objective.cost === 'cheap' ? undefined : new ObjectiveModel(objective, scene.encoder, withValue(to, objective)),
    );
    this.pool = complete && scene.pool.ids.length > shortlisted ? this.shortlist() : scene.pool;
  }

  /** For each expensive objective, what is believed of it in the light of all trials. */
  at({ history }: AskContext, pending: Encoded): readonly (Conditioned | undefined)[] {
    const pool = this.complete ? this.pool.encoded : undefined;
    return this.objectives.map((objective, k) => this.models[k]?.at(withValue(history, objective), pending, pool));
  }

  /** The candidates of the scene that are worth most in an optimistic view, without those that were tried. */
  private shortlist(): Pool {
    const { objectives, models, to, scene } = this;
    const { pool, ranges } = scene;
    const uncertainty = new Float64Array(pool.ids.length);
    const beliefs = objectives.map((_, k): Belief => {
      const [values, model] = [pool.known[k], models[k]];
      if (values !== undefined || model === undefined) return { kind: 'known', values: values ?? uncertainty };
      const { mean, variance } = model.sketch(pool.encoded, sketched);
      for (const [i, value] of variance.entries()) uncertainty[i] += value;
      return { kind: 'modelled', warp: model.warp, mean, variance: variance.map((value) => doubt ** 2 * value) };
    });
    const worth = improvementOf(targetOf(objectives, to, [], ranges).boxes, beliefs);
    const worths = pool.ids.map((_, i) => worth(i));
    const tried = new Set(to.map(({ genotype }) => genotypeId(genotype)));
    const order = [...pool.ids.keys()].filter((i) => !tried.has(pool.ids[i]));
    order.sort((a, b) => worths[b] - worths[a] || uncertainty[b] - uncertainty[a] || a - b);
    return shortened(pool, order.slice(0, shortlisted));
  }
}
