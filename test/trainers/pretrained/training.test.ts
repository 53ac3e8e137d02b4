import { describe, expect, test } from 'vitest';
import { layerRates } from '../../../trainers/pretrained/training.js';

const weights = [
  { name: 'a.weight', shape: [3, 3, 3, 32] },
  { name: 'a.bias', shape: [32] },
  { name: 'b.weight', shape: [3, 3, 576, 1] },
  { name: 'c.weight', shape: [1, 1, 576, 96] },
  { name: 'd.weight', shape: [3, 3, 64, 64] },
  { name: 'e.weight', shape: [1280, 5] },
];

describe('rates of weights', () => {
  test('fall with the inputs of a kernel: a depthwise one has few, whatever its channels; vectors have the whole rate', () => {
    const rates = layerRates(weights, []);
    expect([...rates.values()].map((rate) => 1 / rate)).toEqual([1, 1, 1, 9, 9, 20]);
  });

  test('are 0 for frozen weights', () => {
    const rates = layerRates(weights, ['a.*', 'c.weight']);
    const frozen = [...rates].filter(([, rate]) => rate === 0).map(([name]) => name);
    expect(frozen).toEqual(['a.weight', 'a.bias', 'c.weight']);
    expect(() => layerRates(weights, ['aweight'])).toThrow("no weight is named aweight; did you mean 'a.weight'?");
  });
});
