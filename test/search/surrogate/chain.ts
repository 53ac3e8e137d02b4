import {
  feasible,
  frontier,
  hypervolume,
  type ControllerInput,
  type ControllerName,
  type Objective,
  type TrialResult,
  type Values,
} from '../../../search/index.js';
import { enumerate, tableSpace, type DecisionSpace, type Genotype } from '../../../spaces/index.js';
import { controllerOf } from '../support.js';

/** Five positions with an operation each; position 4 is used only when position 3 is not `none`. */
export const ops = ['none', 'skip', 'small', 'large'];
export const space: DecisionSpace = tableSpace(
  'chain',
  ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, choices: ops })),
);

const used = (genotype: Genotype): Genotype => (genotype[3] === 0 ? genotype.slice(0, 4) : genotype);
export const count = (genotype: Genotype, op: number): number => used(genotype).filter((index) => index === op).length;

export const latency = (genotype: Genotype): number =>
  1 + 0.1 * count(genotype, 1) + count(genotype, 2) + 2.5 * count(genotype, 3);

/** Depth has diminishing returns, a chain of `large` alone is not best, and one without operations is useless. */
export function accuracy(genotype: Genotype): number {
  const [small, large] = [count(genotype, 2), count(genotype, 3)];
  if (small + large === 0) return 0.1;
  return 0.95 - 0.4 * Math.exp(-0.8 * small - large) - 0.02 * Math.max(0, large - 2) - 0.01 * count(genotype, 0);
}

export const both: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'latency', direction: 'minimize', cost: 'cheap' },
];

export type Train = (genotype: Genotype, number: number) => Omit<TrialResult, 'number' | 'genotype'>;

export const valuesOf = (genotype: Genotype): Values => ({ accuracy: accuracy(genotype), latency: latency(genotype) });
export const complete: Train = (genotype) => ({ state: 'complete', values: valuesOf(genotype) });

interface Options {
  readonly name?: ControllerName;
  readonly seed?: number;
  readonly objectives?: readonly Objective[];
  readonly of?: DecisionSpace;
  readonly train?: Train;
  readonly cheap?: (genotype: Genotype) => Values;
  readonly earlier?: ControllerInput['earlier'];
}

/** A sequential search. */
export function search(trials: number, options: Options = {}): { history: TrialResult[]; reasons: string[] } {
  const { name = 'surrogate', seed = 0, objectives = both, of = space, train = complete } = options;
  const cheap = options.cheap ?? ((genotype: Genotype): Values => ({ latency: latency(genotype) }));
  const { earlier = [] } = options;
  const controller = controllerOf(name, { space: of, objectives, seed, earlier });
  const history: TrialResult[] = [];
  const reasons: string[] = [];
  for (let number = 0; number < trials; number++) {
    const { genotype, reason } = controller.ask({ number, history: [...history], pending: [], cheap });
    reasons.push(reason);
    history.push({ number, genotype, ...train(genotype, number) });
  }
  return { history, reasons };
}

const pointsOf = (trials: Parameters<typeof feasible>[0], objectives = both) =>
  feasible(trials, objectives).map(({ point }) => point);

/** The share of the true frontier's hypervolume that is missed. */
export function missed(history: readonly TrialResult[], objectives = both): number {
  const all = [...enumerate(space)].map((genotype) => ({ state: 'complete', values: valuesOf(genotype) }));
  const worst = pointsOf(all, objectives).reduce((a, b) => a.map((value, i) => Math.max(value, b[i])));
  const best = hypervolume(pointsOf(frontier(all, objectives), objectives), worst);
  return 1 - hypervolume(pointsOf(history, objectives), worst) / best;
}

export const seeds = [0, 1, 2, 3];
