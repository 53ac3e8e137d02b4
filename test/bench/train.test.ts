import { describe, expect, it } from 'vitest';
import { geometricMean, median } from '../../bench/train/report.js';

describe('the training benchmark', () => {
  it('summarises by medians and geometric means', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
    expect(geometricMean([0.5, 2, 1])).toBeCloseTo(1);
  });
});
