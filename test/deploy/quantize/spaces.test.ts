import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../base/random.js';
import { executedBy, openOnnx } from '../../../compiler/index.js';
import { calibrateRanges, prepareModel, quantizeModel } from '../../../deploy/quantize/index.js';
import { costs, createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';
import { inMemory } from './support/batches.js';

beforeEach(() => tf.disposeVariables());
afterEach(() => tf.disposeVariables());

/** The network of the fewest parameters of some random ones. */
async function smallNetwork(config: unknown, task: Task): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), task);
  const random = new Random(3, JSON.stringify(config));
  const networks = Array.from({ length: 20 }, () => space.build(sampleGenotype(space, random)));
  return networks.reduce((a, b) => (costs(b).params < costs(a).params ? b : a));
}

/** Quantized on noise: what is executed, what stays float, and how far the scores of the images are from the floats'. */
async function quantized(network: Network) {
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const shape = [8, ...network.input];
  const random = new Random(5);
  const images = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  const prepared = prepareModel(model, 'the network');
  const batches = inMemory({ images, shape });
  const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
  const { model: bytes, floats } = quantizeModel(prepared, minmax, { weightBits: 8 });
  const { operators } = await executedBy(bytes);
  const [expected, y] = await Promise.all(
    [model, bytes].map(async (one) => {
      const { run, close } = await openOnnx(one, 'the network', { exactIntegers: true });
      const result = await run(images, shape);
      await close();
      return result;
    }),
  );
  const error = Math.max(...y.map((v, i) => Math.abs(v - expected[i]))) / Math.max(...expected.map(Math.abs));
  return { operators, floats, error };
}

const task: Task = { input: [32, 32, 3], classes: 10 };

/**
 * What every network is executed with: images to bytes, in one order from there on; scores as floats. Shuffles of channels
 * (fbnet) are in another order.
 */
const around = { QuantizeLinear: 1, Transpose: 1, Flatten: 1, QGemm: 1 };

describe('networks of each space compute in integers', () => {
  it.each([
    [
      'mobilenet tiny',
      { type: 'mobilenet', preset: 'tiny' },
      { QLinearConv: 23, QLinearLeakyRelu: 4, QLinearMul: 7, QLinearAdd: 3, QLinearGlobalAveragePool: 4 },
    ],
    ['mobilenetv2', { type: 'mobilenet', preset: 'mobilenetv2' }, { QLinearConv: 31, QLinearAdd: 3 }],
    [
      'mobilenetv3-large',
      { type: 'mobilenet', preset: 'mobilenetv3-large' },
      { QLinearConv: 49, QLinearLeakyRelu: 19, QLinearMul: 23, QLinearAdd: 8, QLinearGlobalAveragePool: 3 },
    ],
    [
      'efficientnet tiny',
      { type: 'efficientnet', preset: 'tiny' },
      { QLinearConv: 14, QLinearSigmoid: 8, QLinearMul: 9, QLinearAdd: 1, QLinearGlobalAveragePool: 2 },
    ],
    [
      'efficientnet b0',
      { type: 'efficientnet', preset: 'b0' },
      { QLinearConv: 43, QLinearSigmoid: 25, QLinearMul: 28, QLinearAdd: 5, QLinearGlobalAveragePool: 2 },
    ],
    [
      'fbnet',
      { type: 'fbnet' },
      { QLinearConv: 66, QLinearAdd: 16, QLinearGlobalAveragePool: 1, Transpose: 13, Reshape: 8 },
    ],
    [
      'ofa-mobilenetv3',
      { type: 'ofa-mobilenetv3', width: 0.25, resolution: 32 },
      { QLinearConv: 53, QLinearLeakyRelu: 15, QLinearMul: 21, QLinearAdd: 8, QLinearGlobalAveragePool: 4 },
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
    // Of networks that have learned nothing, whose scores are nearly equal.
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
