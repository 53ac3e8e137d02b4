import { describe, expect, it } from 'vitest';
import { mean } from '../../../base/statistics.js';
import { Random } from '../../../base/random.js';
import type { TrialResult } from '../../../search/index.js';
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
    search(12, { seed, earlier: runs }).history;
const meanMissed = (searched: (seed: number) => readonly TrialResult[], trials = 12): number =>
  mean(seeds.map((seed) => missed(searched(seed).slice(0, trials))));

describe('a search that knows trials of an earlier one', () => {
  const fromNothing = (seed: number) => search(12, { seed }).history;

  it('finds the frontier in half the trials', () => {
    expect(meanMissed(from(earlier), 6)).toBeLessThan(meanMissed(fromNothing));
  });

  it('asks as one from nothing when the earlier values are noise', () => {
    const order = new Random(1, 'noise').shuffle([...earlier.keys()]);
    const noise = withAccuracies((_, i) => earlier[order[i]].values['accuracy']);
    for (const seed of seeds) expect(from(noise)(seed)).toEqual(fromNothing(seed));
  });

  it('stops believing an earlier one that its own trials contradict', () => {
    const wrong = withAccuracies(({ values }) => -values['accuracy']);
    expect(meanMissed(from(wrong))).toBeLessThan(1.5 * meanMissed(fromNothing) + 0.02);
  });

  it('finds it soon beside an unrelated one', () => {
    const unrelated = withAccuracies(({ genotype }) => count(genotype, 1));
    expect(meanMissed(from(earlier, unrelated))).toBeLessThan(1.5 * meanMissed(fromNothing));
  });
});
