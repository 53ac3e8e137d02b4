import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { selectDiverse } from '../../../latency-models/predictors/sample-design.js';

const randomRows = (seed: number, count: number, width: number): number[][] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => [1, ...Array.from({ length: width - 1 }, () => random.uniform())]);
};

const noise = 0.01;
const chosen = (rows: readonly (readonly number[])[], count: number): number[] => selectDiverse(rows, noise, count);

describe('selectDiverse', () => {
  it('takes the longest row first, then different rows', () => {
    const rows = [
      [1, 0],
      [3, 0],
      [2.9, 0],
      [0, 2],
    ];
    expect(chosen(rows, 2)).toEqual([1, 3]);
  });

  it('takes every row once, in the same order each time', () => {
    const rows = randomRows(1, 30, 5);
    const all = chosen(rows, 99);
    expect(ascendingSet(all)).toEqual(rows.map((_, i) => i));
    expect(chosen(rows, 10)).toEqual(all.slice(0, 10));
    expect(chosen([], 3)).toEqual([]);
  });
});

const ascendingSet = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
