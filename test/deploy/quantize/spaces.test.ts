import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, it } from 'vitest';
import { expectIntegers } from './support/small-networks.js';

beforeEach(() => tf.disposeVariables());

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
  ])('of %s', (_, config, operators) => expectIntegers(config, operators));
});

describe('small and odd networks compute in integers', () => {
  it.each([
    ['images of one channel', { type: 'mobilenet', preset: 'tiny' }, { input: [12, 12, 1], classes: 2 }],
    ['images of one pixel at the end', { type: 'mobilenet', preset: 'small' }, { input: [16, 16, 3], classes: 10 }],
    ['three cells of one width', { type: 'nas-bench-201', filters: 4, cells: 3 }, { input: [8, 8, 1], classes: 5 }],
  ] as const)('of %s', (_, config, task) => expectIntegers(config, undefined, task));
});
