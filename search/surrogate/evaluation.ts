import { type Genotype, genotypeId } from '../../spaces/index.js';
import type { AskContext, Told } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Point } from '../pareto.js';
import { type Belief, improvementOf, type Target, targetOf } from './acquisition.js';
import { type Conditioned, ObjectiveModel, observed, successOf } from './objective-model.js';
import { type Pool, type Scene, shortened } from './pool.js';
import type { Encoded } from './encoding.js';

/** What a pool's candidates are worth. */
export interface Evaluated {
  readonly beliefs: readonly Belief[];
  /**
   * The expected hypervolume improvement of a candidate, times the probability that its training succeeds; when that
   * is not above `atLeast`, any value that is not.
   */
  worth(position: number, atLeast: number): number;
}

/** What candidates are worth, as far as is known in one ask. */
export class Evaluation {
  readonly target: Target;
  private readonly models: readonly (Conditioned | undefined)[];
  private readonly success: ReturnType<typeof successOf>;

  constructor(
    private readonly objectives: readonly Objective[],
    private readonly scene: Scene,
    learnt: Learnt,
    context: AskContext,
  ) {
    const { history, pending } = context;
    this.models = learnt.at(context, scene.encoder.encode(pending));
    this.success = successOf(history, scene.encoder);
    this.target = targetOf(objectives, history, this.expected(pending), scene.ranges);
  }

  of(pool: Pool): Evaluated {
    const beliefs = this.objectives.map((_, k): Belief => {
      const values = pool.known[k];
      if (values !== undefined) return { kind: 'known', values };
      const model = this.models[k];
      if (model === undefined) throw new Error(`nothing is known of ${this.objectives[k].name}`);
      return { kind: 'modelled', warp: model.warp, ...model.predict(pool.encoded) };
    });
    const improvement = improvementOf(this.target.boxes, beliefs);
    const success = this.success?.(pool.encoded);
    return {
      beliefs,
      worth: (position, atLeast) => {
        const most = improvement(position);
        return success === undefined || most <= atLeast ? most : most * success(position);
      },
    };
  }

  /** The points that pending candidates are expected to have. */
  private expected(pending: readonly Genotype[]): Point[] {
    return pending.map((genotype, i) => {
      const values = this.scene.cheap(genotype);
      return this.objectives.map((objective, k) => {
        const model = this.models[k];
        if (model !== undefined) return model.warp.invert(model.expected.mean[i]);
        return observed(objective, { number: -1, genotype, state: 'complete', values }) ?? Infinity;
      });
    });
  }
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** `predicted accuracy 0.914 ± 0.006` or `latency_ms 2.31`. */
function describeBelief({ name, direction }: Objective, belief: Belief, position: number): string {
  const sign = direction === 'minimize' ? 1 : -1;
  if (belief.kind === 'known') return `${name} ${short(sign * belief.values[position])}`;
  const { warp, mean, variance } = belief;
  const [z, deviation] = [mean[position], Math.sqrt(variance[position])];
  const half = (warp.invert(z + deviation) - warp.invert(z - deviation)) / 2;
  return `predicted ${name} ${short(sign * warp.invert(z))} ± ${half.toPrecision(2)}`;
}

/**
 * Why a candidate was chosen, in one line.
 * @param share the expected improvement as a share of the hypervolume up to the reference.
 */
export const describeChoice = (
  share: number,
  objectives: readonly Objective[],
  beliefs: readonly Belief[],
  position: number,
): string =>
  `expected hypervolume +${share.toPrecision(2)}: ${objectives
    .map((objective, k) => describeBelief(objective, beliefs[k], position))
    .join(', ')}`;

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

/** Trials that are spread over the space before a model is asked, unless the experiment says otherwise. */
export const startup = 8;

/** Models are fitted again each time there is a fifth more to learn from, and at least every so many trials. */
const growth = 1.2;
const longest = 100;

/** The number of trials, up to `count`, at which models were last fitted; the first time at `first`. */
function fittedAt(count: number, first: number): number {
  let at = first;
  for (;;) {
    const next = Math.min(Math.max(at + 1, Math.floor(at * growth)), at + longest);
    if (next > count) return at;
    at = next;
  }
}

/**
 * The beginning of a history that models are fitted to, which changes only now and then; what comes later is added to
 * the fitted models. Undefined until each expensive objective has `first` values.
 */
export function fittedTo(
  history: readonly Told[],
  objectives: readonly Objective[],
  first: number,
): readonly Told[] | undefined {
  const expensive = objectives.filter(({ cost }) => cost !== 'cheap');
  const counts = expensive.map(() => 0);
  let start: number | undefined = expensive.length === 0 ? 0 : undefined;
  /** Where in the history the trials are that have a value. */
  const ends = [0];
  for (const [i, told] of history.entries()) {
    const has = expensive.map((objective) => observed(objective, told) !== undefined);
    if (!has.some(Boolean)) continue;
    ends.push(i + 1);
    for (const k of counts.keys()) if (has[k]) counts[k]++;
    if (start === undefined && counts.every((count) => count >= first)) start = ends.length - 1;
  }
  return start === undefined ? undefined : history.slice(0, ends[fittedAt(ends.length - 1, start)]);
}

/** Whether two histories are the same objects, and so what was learnt from one holds for the other. */
export const sameTrials = (a: readonly Told[], b: readonly Told[]): boolean =>
  a.length === b.length && a.every((told, i) => told === b[i]);
