import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { FeaturedSurrogate, type TrialResult } from '../../../search/index.js';
import { contextOf, input, objectives } from '../support.js';
import { draw, informative, normalOf, valueOf, type Features } from './features.js';

/** Accuracy alone decides. */
const alone = input({ objectives: objectives.slice(0, 1) });

const noise = normalOf('silent');
const uninformative: Features = (genotype) => ({ proxy: 300 + 20 * noise(genotype) });

/** The gain in accuracy of the chosen and of the best of eight candidates over their mean. */
function gained(features: Features, tried: number): { chosen: number; best: number } {
  const random = new Random(2, 'rounds');
  const rounds = Array.from({ length: 20 }, () => {
    const history = draw(tried, random).map((genotype, number): TrialResult => ({
      number,
      genotype,
      state: 'complete',
      values: { ...features(genotype), accuracy: valueOf(genotype) },
    }));
    const candidates = draw(8, random).map((genotype) => ({ genotype, features: features(genotype) }));
    const values = candidates.map(({ genotype }) => valueOf(genotype));
    const chosen = new FeaturedSurrogate(alone, ['proxy']).best(contextOf(history), candidates);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { chosen: values[chosen ?? NaN] - mean, best: Math.max(...values) - mean };
  });
  const mean = (of: 'chosen' | 'best'): number => rounds.reduce((sum, round) => sum + round[of], 0) / rounds.length;
  return { chosen: mean('chosen'), best: mean('best') };
}

describe('a surrogate with features', () => {
  it('learns from informative features', () => {
    const [useful, without] = [gained(informative, 15), gained(uninformative, 15)];
    expect(useful.chosen).toBeGreaterThan(0.85 * useful.best);
    expect(useful.chosen).toBeGreaterThan(2 * without.chosen);
  });

  it('is not misled by uninformative features', () => {
    const { chosen, best } = gained(uninformative, 30);
    const none = gained(() => ({}), 30);
    expect(chosen).toBeGreaterThan(0.25 * best);
    expect(chosen).toBeGreaterThan(0.8 * none.chosen);
  });
});
