import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { FeaturedSurrogate, type TrialResult } from '../../../search/index.js';
import { cheapValues, contextOf, input } from '../support.js';
import { draw, informative, valueOf } from './features.js';

describe('a surrogate with features', () => {
  it('chooses nothing before there are enough trials', () => {
    const [genotype] = draw(1, new Random(3));
    expect(new FeaturedSurrogate(input(), ['proxy']).best(contextOf([]), [{ genotype, features: {} }])).toBe(undefined);
  });

  it('depends on its context alone', () => {
    const random = new Random(4, 'again');
    const history = draw(40, random).map((genotype, number): TrialResult => ({
      number,
      genotype,
      state: 'complete',
      values: { ...cheapValues(genotype), ...informative(genotype), accuracy: valueOf(genotype) },
    }));
    const drawn = Array.from({ length: 12 }, (_, i) => 10 + 2 * i).map((known) => ({
      known,
      candidates: draw(8, random).map((genotype) => ({ genotype, features: informative(genotype) })),
    }));
    // The candidates of one ask are pending in the next.
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
