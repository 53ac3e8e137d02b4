import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { costs, type Network } from '../../../spaces/index.js';
import { initialWeights, weightsFrom, weightSpecs, weightVariables } from '../../../spaces/models/index.js';
import { handNetwork, smallNetworks } from '../networks.js';

describe('weightSpecs', () => {
  it('names each weight once, in the order of the layers', () => {
    const names = weightSpecs(handNetwork).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 6)).toEqual([
      'stem/kernel',
      'stem_bn/gamma',
      'stem_bn/beta',
      'stem_bn/moving_mean',
      'stem_bn/moving_variance',
      'block1_expand/kernel',
    ]);
  });

  it('has what the costs count', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const count = (trainable: boolean): number =>
          weightSpecs(network)
            .filter((spec) => spec.trainable === trainable)
            .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
        const { params, buffers } = costs(network);
        expect([count(true), count(false)]).toEqual([params, buffers]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('initialWeights', () => {
  it('are the same for a seed, others for another', () => {
    expect(initialWeights(handNetwork, 7)).toEqual(initialWeights(handNetwork, 7));
    expect(initialWeights(handNetwork, 8)).not.toEqual(initialWeights(handNetwork, 7));
  });

  it('of a pooled block copy its input, in as many filters as it has channels', () => {
    const pooled: Network = {
      ...handNetwork,
      blocks: [{ kind: 'pooled', filters: 6, kernel: 3, stride: 2, act: 'relu' }],
    };
    const { shape, data } = initialWeights(pooled, 7).get('block1/kernel') ?? { shape: [], data: [] };
    const [, , from, to] = shape;
    expect([from, to]).toEqual([4, 6]);
    const filter = (i: number): number[] => [...data].filter((_, at) => at % to === i);
    for (let i = 0; i < from; i++) expect(filter(i)).toEqual(filter(i).map((_, at) => Number(at === 4 * from + i)));
    expect(filter(from).every((value) => value !== 0 && value !== 1)).toBe(true);
  });

  it('are what they have always been', () => {
    const first = (name: string): number[] => [...(initialWeights(handNetwork, 7).get(name)?.data.slice(0, 2) ?? [])];
    expect(first('stem/kernel')).toMatchInlineSnapshot(`
      [
        0.09077242761850357,
        -0.36339274048805237,
      ]
    `);
    expect(first('block1_depthwise/depthwise_kernel')).toMatchInlineSnapshot(`
      [
        -0.4528406262397766,
        0.0011725142830982804,
      ]
    `);
    expect(first('logits/kernel')).toMatchInlineSnapshot(`
      [
        0.0008296193554997444,
        0.004441870842128992,
      ]
    `);
  });

  it('are drawn by layer name, so later layers do not shift them', () => {
    const shorter = { ...handNetwork, blocks: handNetwork.blocks.slice(0, 1) };
    const [whole, part] = [handNetwork, shorter].map((network) => initialWeights(network, 3));
    expect(part.get('block1_project/kernel')).toEqual(whole.get('block1_project/kernel'));
  });

  it('have the variance of He et al. in kernels; biases start at 0, batch norm as the identity', () => {
    const wide: Network = {
      ...handNetwork,
      stem: { ...handNetwork.stem, filters: 64 },
      blocks: [{ kind: 'mbconv', filters: 64, kernel: 5, stride: 1, act: 'relu', expand: 1, se: 0.5 }],
      classes: 500,
    };
    const weights = initialWeights(wide, 5);
    const std = (name: string): number => {
      const drawn = weights.get(name)?.data ?? new Float32Array();
      return Math.sqrt(drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length);
    };
    const near = (name: string, expected: number): void => expect(Math.abs(std(name) / expected - 1)).toBeLessThan(0.1);
    near('stem/kernel', Math.sqrt(2 / (9 * 64)));
    near('block1_depthwise/depthwise_kernel', Math.sqrt(2 / 25));
    near('block1_project/kernel', Math.sqrt(2 / 64));
    near('block1_se_reduce/kernel', Math.sqrt(2 / 64));
    near('logits/kernel', 0.01);
    for (const [name, { data }] of weights) {
      if (/(bias|beta|moving_mean)$/.test(name)) expect(data.every((x) => x === 0)).toBe(true);
      if (/(gamma|moving_variance)$/.test(name)) expect(data.every((x) => x === 1)).toBe(true);
    }
  });
});

describe('weightVariables', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('hold the values, trainable or not, and nothing else', () => {
    const before = tf.memory().numTensors;
    const weights = initialWeights(handNetwork, 1);
    const variables = weightVariables({ network: handNetwork, weights });
    for (const { name, trainable } of weightSpecs(handNetwork)) {
      expect(variables.get(name)?.trainable).toBe(trainable);
      expect(variables.get(name)?.dataSync()).toEqual(weights.get(name)?.data);
    }
    tf.dispose([...variables.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are refused from weights of another network', () => {
    const weights = initialWeights({ ...handNetwork, classes: 9 }, 1);
    expect(() => weightVariables({ network: handNetwork, weights })).toThrow(/logits\/kernel has shape \[\d+,9\]/);
    expect(() => weightsFrom(weights)('nowhere/kernel', [1])).toThrow('there is no value for nowhere/kernel');
  });
});
