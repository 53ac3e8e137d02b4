import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { channelGroups, shrinkNetwork, type ChannelGroup, type Network } from '../../../spaces/index.js';
import { apply, cutWeights, weightsFrom, weightSpecs, type Weights } from '../../../spaces/models/index.js';
import { smallNetworks } from '../networks.js';

/** Values that tell every weight and every channel from all others; variances are positive. */
function anyWeights(network: Network, seed: number): Map<string, { shape: readonly number[]; data: Float32Array }> {
  const random = new Random(seed, 'weights');
  return new Map(
    weightSpecs(network).map(({ name, shape }) => {
      const positive = name.endsWith('/moving_variance');
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        positive ? 0.5 + random.uniform() : random.normal(),
      );
      return [name, { shape, data }];
    }),
  );
}

/** Sets to zero what reads these channels. */
function deafen(weights: Weights, { axes, width }: ChannelGroup, channels: ReadonlySet<number>): void {
  for (const { weight, axis, role } of axes) {
    const value = weights.get(weight);
    if (role !== 'reads' || value === undefined) continue;
    const inner = value.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let i = 0; i < value.data.length; i++) if (channels.has(Math.floor(i / inner) % width)) value.data[i] = 0;
  }
}

function logits(network: Network, weights: Weights, seed: number): Float32Array {
  const random = new Random(seed, 'images');
  const shape = [2, ...network.input];
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tf.tidy(() =>
    (
      apply(network, weightsFrom(weights), tf.tensor(data, shape), {
        training: false,
      }).logits.dataSync() as Float32Array
    ).slice(),
  );
}

describe('cutWeights', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('does not change the outputs when the removed channels have no readers', () => {
    let cuts = 0;
    fc.assert(
      fc.property(smallNetworks, fc.integer({ min: 0, max: 1e6 }), (network, seed) => {
        const random = new Random(seed, 'kept');
        const groups = channelGroups(network);
        const weights = anyWeights(network, seed);
        const kept = new Map<string, readonly number[]>();
        for (const group of groups) {
          const stay = random.shuffle([...Array(group.width).keys()]).slice(0, 1 + random.int(group.width));
          kept.set(
            group.name,
            stay.sort((a, b) => a - b),
          );
          deafen(weights, group, new Set([...Array(group.width).keys()].filter((c) => !stay.includes(c))));
        }
        const cut = shrinkNetwork(network, new Map([...kept].map(([name, stay]) => [name, stay.length])));
        if (cut === null) return;
        cuts++;
        const expected = logits(network, weights, seed);
        const found = logits(cut, cutWeights(weights, groups, kept), seed);
        const scale = Math.max(1, ...expected.map(Math.abs));
        for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]) / scale).toBeLessThan(1e-4);
      }),
      { numRuns: 20 },
    );
    expect(cuts).toBeGreaterThan(10);
  });

  it('is the weights of the smaller network, name by name', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const groups = channelGroups(network);
        const kept = new Map(groups.map(({ name }) => [name, [0]]));
        const cut = shrinkNetwork(network, new Map(groups.map(({ name }) => [name, 1])));
        if (cut === null) return;
        const weights = cutWeights(anyWeights(network, 1), groups, kept);
        expect([...weights].map(([name, { shape }]) => [name, shape])).toEqual(
          weightSpecs(cut).map(({ name, shape }) => [name, shape]),
        );
        for (const { shape, data } of weights.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      }),
    );
  });
});
