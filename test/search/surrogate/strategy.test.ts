import { describe, expect, it } from 'vitest';
import {
  feasible,
  frontier,
  hypervolume,
  type ControllerName,
  type Objective,
  type TrialResult,
  type Values,
} from '../../../search/index.js';
import { enumerate, genotypeId, tableSpace, type DecisionSpace, type Genotype } from '../../../spaces/index.js';
import { controllerOf } from '../support.js';

/** Five positions with an operation each; position 4 is used only when position 3 is not `none`. */
const ops = ['none', 'skip', 'small', 'large'];
const space: DecisionSpace = tableSpace(
  'chain',
  ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, choices: ops })),
);

const used = (genotype: Genotype): Genotype => (genotype[3] === 0 ? genotype.slice(0, 4) : genotype);
const count = (genotype: Genotype, op: number): number => used(genotype).filter((index) => index === op).length;

const latency = (genotype: Genotype): number =>
  1 + 0.1 * count(genotype, 1) + count(genotype, 2) + 2.5 * count(genotype, 3);

/** Depth helps ever less, a chain of `large` alone is not best, and one without any operation is junk. */
function accuracy(genotype: Genotype): number {
  const [small, large] = [count(genotype, 2), count(genotype, 3)];
  if (small + large === 0) return 0.1;
  return 0.95 - 0.4 * Math.exp(-0.8 * small - large) - 0.02 * Math.max(0, large - 2) - 0.01 * count(genotype, 0);
}

const both: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'latency', direction: 'minimize', cost: 'cheap' },
];

type Train = (genotype: Genotype, number: number) => Omit<TrialResult, 'number' | 'genotype'>;

const valuesOf = (genotype: Genotype): Values => ({ accuracy: accuracy(genotype), latency: latency(genotype) });
const complete: Train = (genotype) => ({ state: 'complete', values: valuesOf(genotype) });

interface Options {
  readonly name?: ControllerName;
  readonly seed?: number;
  readonly objectives?: readonly Objective[];
  readonly of?: DecisionSpace;
  readonly train?: Train;
  readonly cheap?: (genotype: Genotype) => Values;
}

/** A search of so many trials, one at a time. */
function search(trials: number, options: Options = {}): { history: TrialResult[]; reasons: string[] } {
  const { name = 'surrogate', seed = 0, objectives = both, of = space, train = complete } = options;
  const cheap = options.cheap ?? ((genotype: Genotype): Values => ({ latency: latency(genotype) }));
  const controller = controllerOf(name, { space: of, objectives, seed });
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

/** What of the true frontier's hypervolume is missed. */
function missed(history: readonly TrialResult[], objectives = both): number {
  const all = [...enumerate(space)].map((genotype) => ({ state: 'complete', values: valuesOf(genotype) }));
  const worst = pointsOf(all, objectives).reduce((a, b) => a.map((value, i) => Math.max(value, b[i])));
  const best = hypervolume(pointsOf(frontier(all, objectives), objectives), worst);
  return 1 - hypervolume(pointsOf(history, objectives), worst) / best;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const seeds = [0, 1, 2, 3];

describe('the surrogate', () => {
  it('misses less than half of what random search misses, with 24 of 1,024 networks tried', () => {
    const random = mean(seeds.map((seed) => missed(search(24, { name: 'random', seed }).history)));
    const surrogate = mean(seeds.map((seed) => missed(search(24, { seed }).history)));
    expect(surrogate).toBeLessThan(0.4 * random);
  });

  it('does so when nothing is known before training', () => {
    const objectives = both.map((objective): Objective => ({ ...objective, cost: 'expensive' }));
    const options = { objectives, cheap: (): Values => ({}) };
    const random = mean(seeds.map((seed) => missed(search(30, { ...options, name: 'random', seed }).history)));
    const surrogate = mean(seeds.map((seed) => missed(search(30, { ...options, seed }).history)));
    expect(surrogate).toBeLessThan(0.3 * random);
  });

  it('finds the best value of one objective', () => {
    const objectives = both.slice(0, 1);
    const top = Math.max(...[...enumerate(space)].map(accuracy));
    for (const seed of seeds.slice(0, 2)) {
      const { history } = search(25, { seed, objectives, cheap: () => ({}) });
      expect(Math.max(...history.map(({ values }) => values['accuracy']))).toBeGreaterThan(top - 0.005);
    }
  });

  it('evolves candidates where a space is too large to be listed', () => {
    const of = tableSpace(
      'long chain',
      Array.from({ length: 10 }, (_, i) => ({ name: `op${i}`, choices: ops })),
    );
    const train: Train = (genotype) => ({
      state: 'complete',
      values: {
        accuracy: mean(genotype.map((index, i) => (index === i % 4 ? 1 : 0))),
        latency: genotype.reduce((sum, index) => sum + index, 1),
      },
    });
    const cheap = (genotype: Genotype): Values => ({ latency: genotype.reduce((sum, index) => sum + index, 1) });
    const top = (history: readonly TrialResult[]): number =>
      Math.max(...history.map(({ values }) => values['accuracy']));
    const surrogate = search(30, { of, train, cheap });
    expect(new Set(surrogate.history.map(({ genotype }) => genotypeId(genotype))).size).toBe(30);
    expect(top(surrogate.history)).toBeGreaterThan(top(search(30, { name: 'random', of, train, cheap }).history) + 0.1);
  });

  it('says why: first a spread, then what it expects', () => {
    const { reasons, history } = search(12);
    expect(reasons[0]).toBe('cheapest: one end of the frontier');
    expect(latency(history[0].genotype)).toBe(1);
    expect(reasons[3]).toBe('spread over the space: first trials');
    expect(reasons[11]).toMatch(
      /^expected hypervolume \+[\d.e-]+: predicted accuracy [\d.]+ ± [\d.e-]+, latency [\d.]+$/,
    );
  });

  it('asks for different networks at a time: a pending one is taken to be what is expected of it', () => {
    const { history } = search(14);
    const controller = controllerOf('surrogate', { space, objectives: both, seed: 0 });
    const cheap = (genotype: Genotype): Values => ({ latency: latency(genotype) });
    const ask = (pending: readonly Genotype[]) =>
      controller.ask({ number: history.length + pending.length, history, pending, cheap });
    const first = ask([]);
    const second = ask([first.genotype]);
    expect(genotypeId(second.genotype)).not.toBe(genotypeId(first.genotype));
    const expected = (reason: string): number => Number(/\+([\d.e-]+)/.exec(reason)?.[1]);
    expect(expected(second.reason)).toBeLessThan(expected(first.reason));
    expect(ask([])).toEqual(first);
  });

  it('learns what fails, and keeps away from it', () => {
    const fails = (genotype: Genotype): boolean => genotype[1] === 3;
    const train: Train = (genotype, number) =>
      fails(genotype) ? { state: 'failed', values: {} } : complete(genotype, number);
    const late = (name: ControllerName): number =>
      mean(
        seeds.map(
          (seed) =>
            search(40, { name, seed, train })
              .history.slice(15)
              .filter((t) => fails(t.genotype)).length,
        ),
      );
    expect(late('surrogate')).toBeLessThan(0.5 * late('random'));
  });

  it.each([
    ['a constant objective', { accuracy: 0.5 }],
    ['values that are not numbers', { accuracy: NaN }],
    ['values of which one is out of all proportion', { accuracy: -1e12 }],
  ])('goes on with %s', (_, odd) => {
    const constant = odd.accuracy === 0.5;
    const train: Train = (genotype, number) => ({
      state: 'complete',
      values: { ...valuesOf(genotype), ...(constant || number % 3 === 1 ? odd : {}) },
    });
    const { history } = search(20, { train });
    expect(new Set(history.map(({ genotype }) => genotypeId(genotype))).size).toBe(20);
    if (!constant) expect(missed(history)).toBeLessThan(0.25);
  });

  it('keeps constraints that are known only after training: later trials mostly do', () => {
    const objectives: readonly Objective[] = [{ ...both[0], constraint: { min: 0.85 } }, both[1]];
    const train: Train = (genotype) => ({
      state: accuracy(genotype) >= 0.85 ? 'complete' : 'pruned',
      values: valuesOf(genotype),
    });
    const { history } = search(30, { objectives, train });
    const kept = history.slice(15).filter(({ state }) => state === 'complete').length;
    expect(kept).toBeGreaterThanOrEqual(10);
  });

  it('takes three objectives', () => {
    const objectives: readonly Objective[] = [...both, { name: 'params', direction: 'minimize', cost: 'cheap' }];
    const params = (genotype: Genotype): number => 1 + 4 * count(genotype, 3) + count(genotype, 2) ** 2;
    const cheap = (genotype: Genotype): Values => ({ latency: latency(genotype), params: params(genotype) });
    const train: Train = (genotype) => ({ state: 'complete', values: { ...valuesOf(genotype), ...cheap(genotype) } });
    const { history } = search(24, { objectives, train, cheap });
    expect(missed(history)).toBeLessThan(0.05);
  });
});
