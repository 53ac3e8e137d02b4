import { genotypeId, type Genotype } from '../../spaces/index.js';
import type { AskContext, TrialResult } from '../controller.js';
import { observed, type Objective } from '../objective.js';
import type { Point } from '../pareto.js';
import { improvementOf, keepingOf, targetOf, TrialPoints, type Belief, type Target } from './acquisition.js';
import type { EarlierModel } from './earlier.js';
import type { Encoded } from './encoding.js';
import { ObjectiveModel, type ConditionedModel, type SuccessModel } from './objective-model.js';
import { subset, type Pool, type SurrogateInputs } from './pool.js';

/** Default number of trials, spread over the space, before the first model. */
export const startup = 8;

/** Models are fitted again when there are a fifth more trials, and at least after this many. */
const growth = 1.2;
const maxInterval = 100;

/** The number of trials, up to `count`, at which models were last fitted; the first time at `first`. */
function fittedAt(count: number, first: number): number {
  let at = first;
  for (;;) {
    const next = Math.min(Math.max(at + 1, Math.floor(at * growth)), at + maxInterval);
    if (next > count) return at;
    at = next;
  }
}

/**
 * The prefix of a history that models are fitted to. It changes only at some trials; models are conditioned on the later
 * ones without a new fit. Undefined until each expensive objective has `first` values.
 */
export function fittedTo(
  history: readonly TrialResult[],
  trials: TrialPoints,
  first: number,
): readonly TrialResult[] | undefined {
  const { objectives } = trials;
  const expensive = [...objectives.keys()].filter((k) => objectives[k].cost !== 'cheap');
  const counts = expensive.map(() => 0);
  let start: number | undefined = expensive.length === 0 ? 0 : undefined;
  /** Lengths of the prefixes that end with a trial that has a value. */
  const ends = [0];
  for (const [i, values] of trials.observed.at(history).entries()) {
    let any = false;
    for (const [place, k] of expensive.entries()) {
      if (values[k] === undefined) continue;
      any = true;
      counts[place]++;
    }
    if (!any) continue;
    ends.push(i + 1);
    if (start === undefined && counts.every((count) => count >= first)) start = ends.length - 1;
  }
  return start === undefined ? undefined : history.slice(0, ends[fittedAt(ends.length - 1, start)]);
}

/** Whether two histories are the same objects, so that models of one hold for the other. */
export const sameTrials = (a: readonly TrialResult[], b: readonly TrialResult[]): boolean =>
  a.length === b.length && a.every((trial, i) => trial === b[i]);

/** Each fit of the models chooses the candidates that later asks evaluate; at most this many of an enumerated space. */
const shortlisted = 2000;
/** The models that choose them are conditioned on this many trials. */
const sketched = 60;
/** The choice multiplies deviations by this, which keeps candidates that later trials may make promising. */
const optimism = 2;

export const withValue = (history: readonly TrialResult[], objective: Objective): readonly TrialResult[] =>
  history.filter((trial) => observed(objective, trial) !== undefined);

/** The models of all expensive objectives, fitted to the first trials. */
export class FittedModels implements Models {
  private readonly models: readonly (ObjectiveModel | undefined)[];
  /** The candidates to evaluate, where they are not evolved. */
  readonly pool: Pool;

  /**
   * @param to the trials that models are fitted to.
   * @param complete whether the pool of the inputs is the whole space.
   */
  constructor(
    private readonly objectives: readonly Objective[],
    private readonly inputs: SurrogateInputs,
    readonly to: readonly TrialResult[],
    private readonly complete: boolean,
    earlier: readonly (readonly EarlierModel[])[] = [],
  ) {
    this.models = objectives.map((objective, k) =>
      objective.cost === 'cheap'
        ? undefined
        : new ObjectiveModel(objective, inputs.encoder, withValue(to, objective), earlier[k]),
    );
    this.pool = complete && inputs.pool.ids.length > shortlisted ? this.shortlist() : inputs.pool;
  }

  at({ history }: AskContext, pending: Encoded): readonly (ConditionedModel | undefined)[] {
    const pool = this.complete ? this.pool.encoded : undefined;
    return this.objectives.map((objective, k) => this.models[k]?.at(withValue(history, objective), pending, pool));
  }

  /** The untried candidates with the greatest optimistic improvement. */
  private shortlist(): Pool {
    const { objectives, models, to, inputs } = this;
    const { pool, ranges } = inputs;
    const uncertainty = new Float64Array(pool.ids.length);
    const beliefs = objectives.map((_, k): Belief => {
      const [values, model] = [pool.known[k], models[k]];
      if (values !== undefined || model === undefined) return { kind: 'known', values: values ?? uncertainty };
      const { mean, variance } = model.sketch(pool.encoded, sketched);
      for (const [i, value] of variance.entries()) uncertainty[i] += value;
      return { kind: 'modelled', warp: model.warp, mean, variance: variance.map((value) => optimism ** 2 * value) };
    });
    const improvement = improvementOf(targetOf(new TrialPoints(objectives), to, [], ranges).boxes, beliefs);
    const values = pool.ids.map((_, i) => improvement(i));
    const keeping = keepingOf(objectives, beliefs, 'both');
    const likely = keeping && pool.ids.map((_, i) => (values[i] > 0 ? 0 : keeping(i)));
    const tried = new Set(to.map(({ genotype }) => genotypeId(genotype)));
    const order = [...pool.ids.keys()].filter((i) => !tried.has(pool.ids[i]));
    const nearer = (a: number, b: number): number => (likely === undefined ? 0 : likely[b] - likely[a]);
    order.sort((a, b) => values[b] - values[a] || nearer(a, b) || uncertainty[b] - uncertainty[a] || a - b);
    return subset(pool, order.slice(0, shortlisted));
  }
}

export interface ScoredPool {
  readonly beliefs: readonly Belief[];
  /**
   * The expected hypervolume improvement of a candidate, times the probabilities that its training succeeds and that it
   * keeps bounds on the good side. A result that is not above `atLeast` need not be exact; 0 is.
   */
  improvement(position: number, atLeast: number): number;
  /** The logarithm of the probability that a candidate keeps all bounds and succeeds; undefined without modelled bounds. */
  readonly keeping: ((position: number) => number) | undefined;
}

/** For each expensive objective, its model conditioned on all trials and pending candidates. */
export interface Models {
  at(context: AskContext, pending: Encoded): readonly (ConditionedModel | undefined)[];
}

/** The acquisition function of one ask. */
export class Acquisition {
  readonly target: Target;
  private readonly models: readonly (ConditionedModel | undefined)[];
  private readonly success: ReturnType<SuccessModel['at']>;

  constructor(
    private readonly objectives: readonly Objective[],
    private readonly inputs: SurrogateInputs,
    models: Models,
    context: AskContext,
  ) {
    const { history, pending } = context;
    this.models = models.at(context, inputs.encoder.encode(pending));
    this.success = inputs.success.at(history);
    const believed = (trial: TrialResult, point: Point): Point =>
      point.map((value, k) => this.models[k]?.believed.get(trial) ?? value);
    this.target = targetOf(inputs.trials, history, this.expected(pending), inputs.ranges, believed);
  }

  of(pool: Pool): ScoredPool {
    const beliefs = this.objectives.map((_, k): Belief => {
      const values = pool.known[k];
      if (values !== undefined) return { kind: 'known', values };
      const model = this.models[k];
      if (model === undefined) throw new Error(`nothing is known of ${this.objectives[k].name}`);
      return { kind: 'modelled', warp: model.warp, ...model.predict(pool.encoded) };
    });
    const improvement = improvementOf(this.target.boxes, beliefs);
    const success = this.success?.(pool.encoded);
    const [above, within] = (['good', 'both'] as const).map((sides) => keepingOf(this.objectives, beliefs, sides));
    return {
      beliefs,
      improvement: (position, atLeast) => {
        const bound = improvement(position);
        if (bound === 0 || bound <= atLeast) return bound;
        const kept = above === undefined ? bound : bound * Math.exp(above(position));
        return success === undefined ? kept : kept * success(position);
      },
      keeping: within && ((position) => within(position) + (success === undefined ? 0 : Math.log(success(position)))),
    };
  }

  /** The expected points of pending candidates. */
  private expected(pending: readonly Genotype[]): Point[] {
    return pending.map((genotype, i) => {
      const values = this.inputs.cheap(genotype);
      return this.objectives.map((objective, k) => {
        const model = this.models[k];
        if (model !== undefined) return model.warp.invert(model.expected.mean[i]);
        return observed(objective, { values }) ?? Infinity;
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

/** The reason of a proposal: what is expected of it, and the predictions. */
export const describeChoice = (
  expectation: string,
  objectives: readonly Objective[],
  beliefs: readonly Belief[],
  position: number,
): string =>
  `${expectation}: ${objectives.map((objective, k) => describeBelief(objective, beliefs[k], position)).join(', ')}`;
