import { describe, expect, test } from 'vitest';
import { layerRates } from '../../../trainers/pretrained/training.js';

/** A weight whose numbers all have one size. */
const weight = (name: string, shape: readonly number[], size: number) => ({
  name,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => (i % 2 === 0 ? size : -size)),
});
const weights = [
  weight('a.weight', [3, 3, 2, 4], 0.2),
  weight('a.bias', [4], 0.01),
  weight('b.weight', [1, 1, 4, 6], 0.05),
  weight('c.weight', [6, 2], 5),
  weight('d.weight', [2, 2], 0),
];

describe('rates of weights', () => {
  test('are proportional to the size of the numbers of a kernel, at most 1, and never 0', () => {
    const rates = layerRates(weights, []);
    expect((rates.get('a.weight') ?? 0) / (rates.get('b.weight') ?? 0)).toBeCloseTo(4, 5);
    expect(rates.get('c.weight')).toBe(1);
    expect(rates.get('d.weight')).toBeGreaterThan(0);
    expect(rates.get('d.weight')).toBeLessThan(rates.get('b.weight') ?? 0);
  });

  test('are whole for vectors', () => {
    expect(layerRates(weights, []).get('a.bias')).toBe(1);
  });

  test('are 0 for frozen weights', () => {
    const rates = layerRates(weights, ['a.*', 'c.weight']);
    const frozen = [...rates].filter(([, rate]) => rate === 0).map(([name]) => name);
    expect(frozen).toEqual(['a.weight', 'a.bias', 'c.weight']);
    expect(() => layerRates(weights, ['aweight'])).toThrow("no weight is named aweight; did you mean 'a.weight'?");
  });
});
