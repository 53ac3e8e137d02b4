import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { selectDiverse } from '../../../latency-models/predictors/sample-design.js';

/** Log-determinant of I + X X' / noise of the rows taken: what D-optimal selection makes large. */
function information(rows: readonly (readonly number[])[]): number {
  const gram = rows.map((a, i) =>
    rows.map((b, j) => a.reduce((t, v, k) => t + v * b[k], 0) / 0.01 + (i === j ? 1 : 0)),
  );
  let logarithm = 0;
  for (let i = 0; i < gram.length; i++) {
    logarithm += Math.log(gram[i][i]);
    for (let j = i + 1; j < gram.length; j++) {
      const factor = gram[j][i] / gram[i][i];
      for (let k = i; k < gram.length; k++) gram[j][k] -= factor * gram[i][k];
    }
  }
  return logarithm;
}

const randomRows = (seed: number, count: number, width: number): number[][] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => [1, ...Array.from({ length: width - 1 }, () => random.uniform())]);
};

const noise = 0.01;
const chosen = (rows: readonly (readonly number[])[], count: number): number[] =>
  selectDiverse([{ rows, noise }], count);

describe('selectDiverse', () => {
  it('takes the longest row first and then what differs from it', () => {
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

  it('tells more than random choices', () => {
    const rows = randomRows(2, 200, 6);
    const best = information(chosen(rows, 10).map((i) => rows[i]));
    for (let seed = 0; seed < 50; seed++) {
      const order = new Random(seed).shuffle(rows.map((_, i) => i));
      expect(information(order.slice(0, 10).map((i) => rows[i]))).toBeLessThan(best);
    }
  });

  it('serves several models, the more probable one more', () => {
    const wide = [[3], [0], [2]];
    const tall = [[0], [3], [2]];
    const views = (probability: number) => [
      { rows: wide, noise, probability },
      { rows: tall, noise, probability: 1 - probability },
    ];
    expect(selectDiverse(views(1), 1)).toEqual([0]);
    expect(selectDiverse(views(0), 1)).toEqual([1]);
    expect(selectDiverse(views(0.5), 1)).toEqual([2]);
  });
});

const ascendingSet = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
