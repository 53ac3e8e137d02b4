import { describe, expect, it } from 'vitest';
import { mean } from '../../../base/statistics.js';
import type { ControllerName, Objective, TrialResult, Values } from '../../../search/index.js';
import { enumerate, genotypeId, tableSpace, type Genotype } from '../../../spaces/index.js';
import {
  accuracy,
  both,
  complete,
  count,
  latency,
  missed,
  ops,
  search,
  seeds,
  space,
  valuesOf,
  type Train,
} from './chain.js';

describe('the surrogate', () => {
  it('misses less than half of what random search misses, with 24 of 1,024 networks tried', () => {
    const random = mean(seeds.map((seed) => missed(search(24, { name: 'random', seed }).history)));
    const surrogate = mean(seeds.map((seed) => missed(search(24, { seed }).history)));
    expect(surrogate).toBeLessThan(0.4 * random);
  });

  it('also when no objective is cheap', () => {
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

  it('evolves candidates in a large space', () => {
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
    const histories = (name: ControllerName): TrialResult[][] =>
      [0, 1, 2, 3].map((seed) => search(30, { name, seed, of, train, cheap }).history);
    const top = (all: readonly TrialResult[][]): number =>
      mean(all.map((history) => Math.max(...history.map(({ values }) => values['accuracy']))));
    const surrogate = histories('surrogate');
    for (const history of surrogate) expect(new Set(history.map(({ genotype }) => genotypeId(genotype))).size).toBe(30);
    expect(top(surrogate)).toBeGreaterThan(top(histories('random')) + 0.3);
  });

  it('learns which networks fail, and avoids them', () => {
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

  it('learns constraints that are known only after training', () => {
    const objectives: readonly Objective[] = [{ ...both[0], constraint: { min: 0.85 } }, both[1]];
    const train: Train = (genotype) => ({
      state: accuracy(genotype) >= 0.85 ? 'complete' : 'pruned',
      values: valuesOf(genotype),
    });
    const { history } = search(30, { objectives, train });
    const kept = history.slice(15).filter(({ state }) => state === 'complete').length;
    expect(kept).toBeGreaterThanOrEqual(10);
  });

  it('accepts three objectives', () => {
    const objectives: readonly Objective[] = [...both, { name: 'params', direction: 'minimize', cost: 'cheap' }];
    const params = (genotype: Genotype): number => 1 + 4 * count(genotype, 3) + count(genotype, 2) ** 2;
    const cheap = (genotype: Genotype): Values => ({ latency: latency(genotype), params: params(genotype) });
    const train: Train = (genotype) => ({ state: 'complete', values: { ...valuesOf(genotype), ...cheap(genotype) } });
    const { history } = search(24, { objectives, train, cheap });
    expect(missed(history)).toBeLessThan(0.05);
  });
});
