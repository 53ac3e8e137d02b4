import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { parseOnnx } from '../../../../compiler/index.js';
import { createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../../../spaces/index.js';
import { toOnnx } from '../../../../spaces/models/index.js';
import { smallNetworks } from '../../../spaces/networks.js';
import { shaken } from '../../support/classifiers.js';
import { preparing } from '../support/run.js';

beforeAll(async () => {
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
});
beforeEach(() => tf.disposeVariables());
afterEach(() => tf.disposeVariables());

const preparedNetwork = (network: Network) => preparing(parseOnnx(toOnnx(shaken(network))));

/** Operators that our own networks may have after preparation. */
const known = new Set([
  ...['Conv', 'Relu', 'Clip', 'HardSigmoid', 'Sigmoid', 'Add', 'Mul', 'GlobalAveragePool'],
  ...['AveragePool', 'MaxPool'],
  ...['Transpose', 'Reshape', 'Flatten', 'Concat', 'Split', 'Slice'],
]);

const configs = [
  { config: { type: 'mobilenet', preset: 'tiny' }, task: { input: [16, 16, 3], classes: 5 } },
  { config: { type: 'mobilenet', preset: 'mobilenetv3-large', width: 0.25 }, task: { input: [32, 32, 3], classes: 5 } },
  { config: { type: 'nas-bench-201', filters: 4, cells: 1 }, task: { input: [8, 8, 3], classes: 5 } },
] as const;

async function randomNetwork(config: unknown, task: Task): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), task);
  return space.build(sampleGenotype(space, new Random(5, 'prepare')));
}

describe('preparing our own networks', () => {
  it.each(configs)('of $config.type computes the same in few operators', async ({ config, task }) => {
    const { difference, operators } = await preparedNetwork(await randomNetwork(config, task));
    expect(difference).toBeLessThan(1e-4);
    expect(Object.keys(operators).filter((operator) => !known.has(operator))).toEqual([]);
    expect(operators['MatMul']).toBeUndefined();
    expect(operators['Flatten'] ?? 0).toBeLessThanOrEqual(1);
  });

  it('of any blocks computes the same', async () => {
    await fc.assert(
      fc.asyncProperty(smallNetworks, async (network) => {
        const { difference, operators } = await preparedNetwork(network);
        expect(difference).toBeLessThan(1e-4);
        expect(Object.keys(operators).filter((operator) => !known.has(operator))).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it('takes images of one pixel', async () => {
    const network: Network = {
      kind: 'network',
      input: [1, 1, 1],
      classes: 3,
      stem: { filters: 4, kernel: 3, stride: 1, act: 'hard_swish' },
      blocks: [{ kind: 'mbconv', filters: 4, kernel: 3, stride: 1, act: 'swish', expand: 2, se: 0.25 }],
      head: { filters: 6, act: 'relu6', hidden: 5, dropout: 0 },
    };
    expect((await preparedNetwork(network)).difference).toBeLessThan(1e-5);
  });
});
