import { describe, expect, it } from 'vitest';
import type { Values } from '../../../search/index.js';
import { genotypeId, type Genotype } from '../../../spaces/index.js';
import { controllerOf } from '../support.js';
import { both, latency, missed, search, space, valuesOf, type Train } from './chain.js';

describe('the surrogate', () => {
  it('gives a reason: first a spread, then the expected improvement', () => {
    const { reasons, history } = search(12);
    expect(reasons[0]).toBe('cheapest: one end of the frontier');
    expect(latency(history[0].genotype)).toBe(1);
    expect(reasons[3]).toBe('spread over the space: first trials');
    expect(reasons[11]).toMatch(
      /^expected hypervolume \+[\d.e-]+: predicted accuracy [\d.]+ ± [\d.e-]+, latency [\d.]+$/,
    );
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
