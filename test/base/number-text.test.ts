import { expect, it } from 'vitest';
import { points, times } from '../../base/number-text.js';

it('differences of accuracy are given in points, to a hundredth', () => {
  expect([-0.001, 0, 0.00001, 0.01234].map(points)).toEqual(['−0.1 points', '±0 points', '±0 points', '+1.23 points']);
});

it('factors are given to a hundredth', () => {
  expect([0.714, 1, 1.935].map(times)).toEqual(['0.71 ×', '1.00 ×', '1.94 ×']);
});
