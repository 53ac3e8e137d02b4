import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../../spaces/index.js';
import { around, quantized, smallNetwork } from './support/small-networks.js';

beforeEach(() => tf.disposeVariables());

const task: Task = { input: [32, 32, 3], classes: 10 };

describe('networks of each space compute in integers', () => {
  it.each([
    [
      'mobilenet tiny',
      { type: 'mobilenet', preset: 'tiny' },
      { QLinearConv: 23, QLinearLeakyRelu: 4, QLinearMul: 7, QLinearAdd: 3, QLinearGlobalAveragePool: 4 },
    ],
    [
      'efficientnet tiny',
      { type: 'efficientnet', preset: 'tiny' },
      { QLinearConv: 14, QLinearSigmoid: 8, QLinearMul: 9, QLinearAdd: 1, QLinearGlobalAveragePool: 2 },
    ],
    [
      'nas-bench-201',
      { type: 'nas-bench-201', filters: 8, cells: 1 },
      { QLinearConv: 8, QLinearAveragePool: 5, QLinearAdd: 5, QLinearLeakyRelu: 2, QLinearGlobalAveragePool: 1 },
    ],
  ])('of %s', async (_, config, expected) => {
    const { operators, floats, error } = await quantized(await smallNetwork(config, task));
    expect(floats).toEqual([]);
    expect(operators).toEqual({ ...around, ...expected });
    // Untrained networks have nearly equal scores.
    expect(error).toBeLessThan(0.2);
  });
});

describe('small and odd networks compute in integers', () => {
  it.each([
    ['images of one channel', { type: 'mobilenet', preset: 'tiny' }, { input: [12, 12, 1], classes: 2 }],
    ['images of one pixel at the end', { type: 'mobilenet', preset: 'small' }, { input: [16, 16, 3], classes: 10 }],
    ['three cells of one width', { type: 'nas-bench-201', filters: 4, cells: 3 }, { input: [8, 8, 1], classes: 5 }],
  ] as const)('of %s', async (_, config, small) => {
    const { floats, error } = await quantized(await smallNetwork(config, small));
    expect(floats).toEqual([]);
    expect(error).toBeLessThan(0.2);
  });
});
