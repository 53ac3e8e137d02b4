import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { product } from '../../base/statistics.js';
import { costs, layersOf, type Network } from '../../spaces/index.js';
import { handNetwork, smallNetworks } from './networks.js';

describe('costs', () => {
  it('agrees with arithmetic by hand', () => {
    // 5x5x2 -> stem 3x3x4; block1 expands to 8, SE 2; block2 fuses to 6; block3 halves to 2x2.
    const convolutions =
      9 * (9 * 2 * 4) + // stem
      9 * (4 * 8) +
      9 * (25 * 8) +
      9 * (8 * 4) + // block1
      9 * (9 * 4 * 6) +
      9 * (6 * 6) + // block2
      4 * (9 * 6 * 6) +
      4 * (9 * 6 * 6) +
      4 * (6 * 6) + // block3
      4 * (6 * 8); // head
    const dense = 8 * 2 + 2 * 8 + 8 * 7 + 7 * 3;
    const kernels = 72 + 32 + 200 + 32 + 216 + 36 + 324 + 324 + 36 + 48;
    const normalised = 4 + 8 + 8 + 4 + 6 + 6 + 6 + 6 + 6 + 8;
    const biases = 2 + 8 + 7 + 3;
    const result = costs(handNetwork);
    expect(result.macs).toBe(convolutions + dense);
    expect(result.params).toBe(kernels + dense + biases + 2 * normalised);
    expect(result.buffers).toBe(2 * normalised);
    expect(result.sizeBytes).toBe(4 * (kernels + dense + biases + normalised));
    // Kernels in bytes; of each output channel a scale, a bias and its scale.
    expect(result.int8SizeBytes).toBe(kernels + dense + 12 * (biases + normalised));
  });

  it('finds the peak of activation memory and the traffic', () => {
    const network: Network = {
      kind: 'network',
      input: [4, 4, 1],
      classes: 2,
      stem: { filters: 2, kernel: 3, stride: 1, act: 'relu' },
      blocks: [{ kind: 'mbconv', filters: 2, kernel: 3, stride: 1, act: 'relu', expand: 3, se: 0 }],
      head: { filters: 0, act: 'relu', dropout: 0 },
    };
    const result = costs(network);
    // While the depthwise convolution runs: block input (32, kept for the residual), its input (96) and output (96).
    expect(result.activationBytes).toBe(4 * (32 + 96 + 96));
    // stem 16+32, expand 32+96, depthwise 96+96, project 96+32, add 32+32+32, pool 32+2, logits 2+2.
    expect(result.trafficBytes).toBe(4 * (48 + 128 + 192 + 128 + 96 + 34 + 4));
  });

  it('is the sum over the layers', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const result = costs(network);
        const sum = (key: 'macs' | 'params' | 'trafficBytes'): number => result.layers.reduce((s, l) => s + l[key], 0);
        expect(result.layers.map(({ name }) => name)).toEqual(layersOf(network).map(({ name }) => name));
        expect([sum('macs'), sum('params'), sum('trafficBytes')]).toEqual([
          result.macs,
          result.params,
          result.trafficBytes,
        ]);
        const largest = Math.max(...layersOf(network).map(({ input, output }) => product(input) + product(output)));
        expect(result.activationBytes).toBeGreaterThanOrEqual(4 * product(network.input));
        expect(result.activationBytes).toBeLessThanOrEqual(4 * 3 * largest);
      }),
    );
  });
});
