import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostLikely } from '../../../../serve/http/classify/answer.js';

const outputs = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true, min: -80, max: 80 })), { minLength: 1 })
  .map((values) => Float32Array.from(values));

describe('the most likely classes', () => {
  it('are those of sorting all of them, of equals the first', () => {
    fc.assert(
      fc.property(outputs, fc.integer({ min: 1, max: 12 }), (values, count) => {
        const sorted = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
        expect(mostLikely(values, 'logits', count).map(({ index }) => index)).toEqual(sorted.slice(0, count));
      }),
    );
  });

  it('have probabilities that sum to 1, and those of a softmax', () => {
    fc.assert(
      fc.property(outputs, (values) => {
        const ranked = mostLikely(values, 'logits', values.length);
        expect(ranked.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
        for (const { index, probability } of ranked) {
          const others = values.reduce((sum, value) => sum + Math.exp(value - values[index]), 0);
          expect(probability).toBeCloseTo(1 / others, 9);
        }
      }),
    );
  });

  it('keep what a network gives as probabilities', () => {
    expect(mostLikely(Float32Array.of(0.25, 0.5, 0.125, 0.125), 'probabilities', 3)).toEqual([
      { index: 1, probability: 0.5 },
      { index: 0, probability: 0.25 },
      { index: 2, probability: 0.125 },
    ]);
  });

  it('are finite for the largest logits', () => {
    expect(mostLikely(Float32Array.of(3e38, -3e38), 'logits', 2)).toEqual([
      { index: 0, probability: 1 },
      { index: 1, probability: 0 },
    ]);
  });

  it.each([NaN, Infinity, -Infinity])('are not told where the network gives %s', (value) => {
    expect(() => mostLikely(Float32Array.of(1, value), 'logits', 1)).toThrow('not finite');
  });
});
