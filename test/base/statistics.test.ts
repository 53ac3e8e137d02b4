import { expect, it } from 'vitest';
import { mean, meanOrZero, product, sum } from '../../base/statistics.js';

it('sums, averages and multiplies values, also none', () => {
  expect([sum([1, 2, 4.5]), sum(new Set([1, 2])), sum([])]).toEqual([7.5, 3, 0]);
  expect([mean([1, 2, 6]), mean(Float32Array.of(0.5, 1)), mean([])]).toEqual([3, 0.75, NaN]);
  expect([meanOrZero([1, 2]), meanOrZero([])]).toEqual([1.5, 0]);
  expect([product([2, 3, 4]), product([])]).toEqual([24, 1]);
});
