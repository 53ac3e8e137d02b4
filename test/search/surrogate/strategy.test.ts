import { describe, expect, it } from 'vitest';
import type { Objective, TrialResult, Values } from '../../../search/index.js';
import { enumerate, genotypeId, tableSpace, type Genotype } from '../../../spaces/index.js';
import { controllerOf } from '../support.js';
import { both, latency, missed, search, space, valuesOf, type Train } from './chain.js';

describe('the surrogate', () => {
  it('gives a reason: first a spread, then the expected improvement', () => {
    const { reasons, history } = search(12);
    expect(reasons[0]).toBe('cheapest: one end of the frontier');
    expect(latency(history[0].genotype)).toBe(1);
    expect(reasons[1]).toBe('dearest: one end of the frontier');
    expect(latency(history[1].genotype)).toBe(Math.max(...[...enumerate(space)].map(latency)));
    expect(reasons[3]).toBe('spread over the space: first trials');
    expect(reasons[11]).toMatch(
      /^expected hypervolume \+[\d.e-]+: predicted accuracy [\d.]+ ± [\d.e-]+, latency [\d.]+$/,
    );
  });

  describe('with a limit that only training tells', () => {
    const wide = tableSpace(
      'wide',
      Array.from({ length: 12 }, (_, i) => ({ name: `d${i}`, choices: [0, 1, 2, 3] })),
    );
    const size = (genotype: Genotype): number => genotype.reduce((sum, index) => sum + index, 1);
    const train: Train = (genotype) => ({
      state: 'complete',
      values: { accuracy: 0.5 + 0.04 * Math.sqrt(size(genotype)), latency: size(genotype) },
    });
    const limited = (constraint: { readonly min?: number; readonly max?: number }): readonly Objective[] => [
      both[0],
      { name: 'latency', direction: 'minimize', cost: 'expensive', constraint },
    ];
    const options = { of: wide, train, cheap: (): Values => ({}) };

    it('goes where the limit is kept although no trial came near it', () => {
      const { history, reasons } = search(14, { ...options, objectives: limited({ max: 3 }) });
      const latencies = history.map(({ values }) => values['latency']);
      expect(Math.min(...latencies.slice(0, 8))).toBeGreaterThan(9);
      expect(reasons[8]).toMatch(/^keeps the bounds with probability [\d.e-]+: predicted accuracy /);
      expect(Math.min(...latencies.slice(8))).toBeLessThanOrEqual(3);
    });

    it('keeps a bound on the good side', () => {
      const { history } = search(16, { ...options, objectives: limited({ min: 12 }) });
      const later = history.slice(8).filter(({ values }) => values['latency'] >= 12);
      expect(later.length).toBeGreaterThanOrEqual(6);
    });
  });

  it('counts each rejected network once', () => {
    const objectives = [both[0], { ...both[1], constraint: { max: 5 } }];
    const controller = controllerOf('surrogate', { space, objectives, seed: 0 });
    const cheap = (genotype: Genotype): Values => ({ latency: latency(genotype) });
    const history: TrialResult[] = [];
    const rejected = Array.from({ length: 12 }, (_, number) => {
      const asked = controller.ask({ number, history: [...history], pending: [], cheap });
      history.push({ number, genotype: asked.genotype, state: 'complete', values: valuesOf(asked.genotype) });
      return asked.rejected;
    });
    const tooSlow = [...enumerate(space)].filter((genotype) => latency(genotype) > 5).length;
    expect(rejected).toEqual([tooSlow, ...Array<number>(11).fill(0)]);
  });

  it('asks different networks in parallel: a pending one counts with its expected values', () => {
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

  it.each([
    ['a constant objective', { accuracy: 0.5 }],
    ['values that are not numbers', { accuracy: NaN }],
    ['an outlier', { accuracy: -1e12 }],
  ])('continues with %s', (_, odd) => {
    const constant = odd.accuracy === 0.5;
    const train: Train = (genotype, number) => ({
      state: 'complete',
      values: { ...valuesOf(genotype), ...(constant || number % 3 === 1 ? odd : {}) },
    });
    const { history } = search(20, { train });
    expect(new Set(history.map(({ genotype }) => genotypeId(genotype))).size).toBe(20);
    if (!constant) expect(missed(history)).toBeLessThan(0.25);
  });
});
