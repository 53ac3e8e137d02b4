import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { ownStyle, type Network } from '../../../spaces/index.js';
import { apply, initialWeights, weightsFrom, weightVariables } from '../../../spaces/models/index.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import { synapticFlow } from '../../../trainers/proxies/flow.js';

beforeAll(() => activateBackend({ type: 'eager', backend: 'cpu' }));

const network: Network = {
  kind: 'network',
  input: [8, 8, 2],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 1, act: null },
  blocks: [
    {
      kind: 'cell',
      cell: ['nor_conv_3x3', 'avg_pool_3x3', 'skip_connect', 'nor_conv_1x1', 'avg_pool_3x3', 'nor_conv_3x3'],
    },
    { kind: 'reduction', filters: 6 },
    { kind: 'mbconv', filters: 6, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0, groups: 2 },
    { kind: 'mbconv', filters: 8, kernel: 5, stride: 2, act: 'relu', expand: 3, se: 0, groups: 2 },
  ],
  head: { filters: 0, act: 'relu', norm: true, dropout: 0 },
};

test('synaptic flow through groups, shuffles, poolings and cells is the growth of the linearised network', () => {
  const weights = weightVariables({ network, weights: initialWeights(network, 5) });
  const flow = tf.tidy(() => synapticFlow(network, weights).dataSync()[0]);
  // With weights |w| and batch norm as the identity nothing is negative: every ReLU is the identity too.
  const kernels = [...weights].filter(([name]) => name.endsWith('kernel')).map(([, kernel]) => kernel);
  const magnitudes = kernels.map((kernel) => tf.abs(kernel));
  for (const [name, variable] of weights)
    if (name.endsWith('moving_variance')) variable.assign(tf.fill(variable.shape, 1 - ownStyle.epsilon));
  const outputAt = (factor: number): number =>
    tf.tidy(() => {
      for (const [i, kernel] of kernels.entries()) kernel.assign(tf.mul(magnitudes[i], factor));
      const ones = tf.ones([1, ...network.input]);
      const { logits } = apply(network, weightsFrom(weights), ones, { training: false });
      return [...logits.dataSync()].reduce((a, b) => a + b, 0);
    });
  const h = 0.01;
  const growth = (outputAt(1 + h) - outputAt(1 - h)) / (2 * h);
  expect(Math.abs(flow - Math.log(growth))).toBeLessThan(0.02);
  tf.dispose([...weights.values()]);
});
