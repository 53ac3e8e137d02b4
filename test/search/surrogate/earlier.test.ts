import { describe, expect, it } from 'vitest';
import { mean, sum } from '../../../base/statistics.js';
import { Random } from '../../../base/random.js';
import type { TrialResult, Values } from '../../../search/index.js';
import { tableSpace, type Genotype } from '../../../spaces/index.js';
import { count, missed, search, seeds } from './chain.js';

/** A search on other data: the same order of networks, at other accuracies. */
const earlier = search(40, { seed: 9 }).history.map(({ values, ...trial }): TrialResult => ({
  ...trial,
  values: { accuracy: 20 + 30 * values['accuracy'] ** 3 },
}));
const withAccuracies = (accuracyOf: (trial: TrialResult, i: number) => number): TrialResult[] =>
  earlier.map((trial, i) => ({ ...trial, values: { accuracy: accuracyOf(trial, i) } }));
const from =
  (...runs: readonly (readonly TrialResult[])[]) =>
  (seed: number) =>
    search(15, { seed, earlier: runs }).history;
const meanMissed = (searched: (seed: number) => readonly TrialResult[], trials = 12): number =>
  mean(seeds.map((seed) => missed(searched(seed).slice(0, trials))));

describe('a search that knows trials of an earlier one', () => {
  const searched = new Map(seeds.map((seed) => [seed, search(15, { seed }).history]));
  const fromNothing = (seed: number) => searched.get(seed) ?? [];

  it('finds the frontier in half the trials', () => {
    expect(meanMissed(from(earlier), 7)).toBeLessThan(meanMissed(fromNothing, 14));
  });

  it('asks as one from nothing when the earlier values are noise', () => {
    const order = new Random(1, 'noise').shuffle([...earlier.keys()]);
    const noise = withAccuracies((_, i) => earlier[order[i]].values['accuracy']);
    for (const seed of seeds) expect(from(noise)(seed)).toEqual(fromNothing(seed));
  });

  it.each([
    ['that its own trials contradict', [withAccuracies(({ values }) => -values['accuracy'])], 2],
    ['of something else', [withAccuracies(({ genotype }) => count(genotype, 1))], 2],
    ['of something else beside a right one', [earlier, withAccuracies(({ genotype }) => count(genotype, 1))], 3],
  ] as const)('loses few evaluations by an earlier one %s', (_, runs, lost) => {
    expect(meanMissed(from(...runs), 12 + lost)).toBeLessThan(meanMissed(fromNothing, 12));
  });

  it('takes candidates of a large space from what the earlier one found', () => {
    const wide = tableSpace(
      'wide',
      Array.from({ length: 12 }, (_, i) => ({ name: `d${i}`, choices: [0, 1, 2, 3] })),
    );
    const size = (genotype: Genotype): number => sum(genotype) + 1;
    const good = (genotype: Genotype): number => genotype.filter((index, i) => index === (i % 2 === 0 ? 3 : 0)).length;
    const train = (genotype: Genotype) => ({
      state: 'complete' as const,
      values: { accuracy: good(genotype) / 12, latency: size(genotype) },
    });
    const cheap = (genotype: Genotype): Values => ({ latency: size(genotype) });
    const before = search(30, { of: wide, train, cheap, seed: 5 }).history;
    const { history, reasons } = search(6, { of: wide, train, cheap, earlier: [before] });
    expect(reasons[0]).toMatch(/^by earlier runs: expected hypervolume/);
    const best = (trials: readonly TrialResult[]): number =>
      Math.max(...trials.map(({ values }) => values['accuracy']));
    expect(best(history)).toBeGreaterThan(best(search(6, { of: wide, train, cheap }).history) + 0.1);
  });
});
