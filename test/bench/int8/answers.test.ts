import { describe, expect, it } from 'vitest';
import { agreement, predictionsOf, labelsOf } from '../../../bench/int8/answers.js';

describe('predictions', () => {
  it('are the classes with the largest logits', () => {
    expect(predictionsOf(Float32Array.of(0, 2, 1, -1, -2, -3), 3)).toEqual([1, 0]);
    const batches = [{ images: new Float32Array(), labels: Float32Array.of(0, 1, 1, 0), size: 2 }];
    expect(labelsOf(batches, 2)).toEqual([1, 0]);
  });

  it('agree in a share of positions', () => {
    expect(agreement([1, 2, 3, 4], [1, 0, 3, 0])).toBe(0.5);
  });
});
