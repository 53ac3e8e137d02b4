import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../../spaces/index.js';
import { around, quantized, smallNetwork } from './support/small-networks.js';

beforeEach(() => tf.disposeVariables());

const task: Task = { input: [32, 32, 3], classes: 10 };

describe('networks of each space compute in integers', () => {
  it.each([
    ['mobilenetv2', { type: 'mobilenet', preset: 'mobilenetv2' }, { QLinearConv: 31, QLinearAdd: 3 }],
    [
      'mobilenetv3-large',
      { type: 'mobilenet', preset: 'mobilenetv3-large' },
      { QLinearConv: 49, QLinearLeakyRelu: 19, QLinearMul: 23, QLinearAdd: 8, QLinearGlobalAveragePool: 3 },
    ],
    [
      'mobilenetv4-conv-small',
      { type: 'mobilenet', preset: 'mobilenetv4-conv-small' },
      { QLinearConv: 39, QLinearAdd: 7 },
    ],
    ['mobilenetv1', { type: 'mobilenet', preset: 'mobilenetv1' }, { QLinearConv: 15 }],
    [
      'efficientnet b0',
      { type: 'efficientnet', preset: 'b0' },
      { QLinearConv: 43, QLinearSigmoid: 25, QLinearMul: 28, QLinearAdd: 5, QLinearGlobalAveragePool: 2 },
    ],
  ])('of %s', async (_, config, expected) => {
    const { operators, floats, error } = await quantized(await smallNetwork(config, task));
    expect(floats).toEqual([]);
    expect(operators).toEqual({ ...around, ...expected });
    // Untrained networks have nearly equal scores.
    expect(error).toBeLessThan(0.2);
  });
});
