import { expect, it } from 'vitest';
import { distributionOf } from '../../../ui/charts/distribution.js';

it('a distribution rises from 0 to 1 in few steps', () => {
  expect(distributionOf([])).toEqual([]);
  expect(distributionOf([3, 1, 2, 2])).toEqual([
    [1, 0],
    [1, 0.25],
    [2, 0.5],
    [2, 0.75],
    [3, 1],
  ]);
  const many = distributionOf(Array.from({ length: 10_001 }, (_, i) => i));
  expect([many.length < 600, many.at(-1)]).toEqual([true, [10_000, 1]]);
});
