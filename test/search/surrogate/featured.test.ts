import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { FeaturedSurrogate, type TrialResult, type Values } from '../../../search/index.js';
import { genotypeId, sampleGenotype, type Genotype } from '../../../spaces/index.js';
import { accuracy, cheapValues, contextOf, input, objectives, table } from '../support.js';

/** A normal number of each network. */
const drawn =
  (of: string) =>
  (genotype: Genotype): number =>
    new Random(1, of, genotypeId(genotype)).normal();

/** What makes a network accurate besides its decisions. */
const hidden = drawn('hidden');

type Look = (genotype: Genotype) => Values;
const telling: Look = (genotype) => ({ proxy: 300 + 20 * hidden(genotype) });
const silent: Look = (genotype) => ({ proxy: 300 + 20 * drawn('silent')(genotype) });

const valueOf = (genotype: Genotype): number => accuracy(genotype) + 0.1 * hidden(genotype);

/** Accuracy alone decides. */
const alone = input({ objectives: objectives.slice(0, 1) });

const draw = (count: number, random: Random): Genotype[] =>
  Array.from({ length: count }, () => sampleGenotype(table, random));

/** How far the chosen ones of eight are above the mean of the eight, in accuracy; the best ones, too. */
function gained(look: Look, tried: number): { chosen: number; best: number } {
  const random = new Random(2, 'rounds');
  const rounds = Array.from({ length: 20 }, () => {
    const history = draw(tried, random).map((genotype, number): TrialResult => ({
      number,
      genotype,
      state: 'complete',
      values: { ...look(genotype), accuracy: valueOf(genotype) },
    }));
    const candidates = draw(8, random).map((genotype) => ({ genotype, features: look(genotype) }));
    const values = candidates.map(({ genotype }) => valueOf(genotype));
    const chosen = new FeaturedSurrogate(alone, ['proxy']).best(contextOf(history), candidates);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { chosen: values[chosen ?? NaN] - mean, best: Math.max(...values) - mean };
  });
  const mean = (of: 'chosen' | 'best'): number => rounds.reduce((sum, round) => sum + round[of], 0) / rounds.length;
  return { chosen: mean('chosen'), best: mean('best') };
}

describe('a surrogate with features', () => {
  it('learns from them what no decision tells', () => {
    const [useful, without] = [gained(telling, 15), gained(silent, 15)];
    expect(useful.chosen).toBeGreaterThan(0.85 * useful.best);
    expect(useful.chosen).toBeGreaterThan(2 * without.chosen);
  });

  it('is not misled by those that tell nothing', () => {
    const { chosen, best } = gained(silent, 30);
    const none = gained(() => ({}), 30);
    expect(chosen).toBeGreaterThan(0.25 * best);
    expect(chosen).toBeGreaterThan(0.8 * none.chosen);
  });

  it('has nothing to say before enough was tried', () => {
    const [genotype] = draw(1, new Random(3));
    expect(new FeaturedSurrogate(input(), ['proxy']).best(contextOf([]), [{ genotype, features: {} }])).toBe(undefined);
  });

  it('says the same whatever it was asked before', () => {
    const random = new Random(4, 'again');
    const history = draw(40, random).map((genotype, number): TrialResult => ({
      number,
      genotype,
      state: 'complete',
      values: { ...cheapValues(genotype), ...telling(genotype), accuracy: valueOf(genotype) },
    }));
    const drawn = Array.from({ length: 30 }, (_, i) => 10 + i).map((known) => ({
      known,
      candidates: draw(8, random).map((genotype) => ({ genotype, features: telling(genotype) })),
    }));
    // What was looked at in one ask is pending in the next.
    const asks = drawn.map(({ known, candidates }, i) => ({
      context: contextOf(
        history.slice(0, known),
        (drawn[i - 1]?.candidates ?? []).map(({ genotype }) => genotype),
      ),
      candidates,
    }));
    const one = new FeaturedSurrogate(input(), ['proxy']);
    for (const { context, candidates } of asks)
      expect(one.best(context, candidates)).toBe(new FeaturedSurrogate(input(), ['proxy']).best(context, candidates));
  });
});
