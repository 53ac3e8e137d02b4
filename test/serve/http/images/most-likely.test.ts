import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostLikely } from '../../../../serve/http/images/tasks.js';

const outputs = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true, min: -80, max: 80 })), { minLength: 1 })
  .map((values) => Float32Array.from(values));

describe('the most likely classes', () => {
  it('equal the result of a stable sort', () => {
    fc.assert(
      fc.property(outputs, fc.integer({ min: 1, max: 12 }), (values, count) => {
        const sorted = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
        expect(mostLikely(values, 'logits', count).map(({ index }) => index)).toEqual(sorted.slice(0, count));
      }),
    );
  });

  it('have the probabilities of a softmax, which sum to 1', () => {
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

  it('keep the probabilities of a network', () => {
    expect(mostLikely(Float32Array.of(0.25, 0.5, 0.125, 0.125), 'probabilities', 3)).toEqual([
      { index: 1, probability: 0.5 },
      { index: 0, probability: 0.25 },
      { index: 2, probability: 0.125 },
    ]);
  });

  it('are finite for very large logits', () => {
    expect(mostLikely(Float32Array.of(3e38, -3e38), 'logits', 2)).toEqual([
      { index: 0, probability: 1 },
      { index: 1, probability: 0 },
    ]);
  });
});
