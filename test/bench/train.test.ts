import { describe, expect, it } from 'vitest';
import { geometricMean } from '../../bench/train/report.js';

describe('the training benchmark', () => {
  it('summarises by geometric means', () => {
    expect(geometricMean([0.5, 2, 1])).toBeCloseTo(1);
  });
});
