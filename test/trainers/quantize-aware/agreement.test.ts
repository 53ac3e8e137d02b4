import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runOnnx } from '../../../compiler/index.js';
import { calibrateRanges, prepareModel, quantizeModel } from '../../../deploy/index.js';
import type { Activation, Network } from '../../../spaces/index.js';
import { apply, initialWeights, toOnnx, weightsFrom } from '../../../spaces/models/index.js';
import { createLoader, withDataset } from '../../../trainers/index.js';
import { activationRanges } from '../../../trainers/quantize-aware/ranges.js';
import { roundedWeights, roundingMode } from '../../../trainers/quantize-aware/rounding.js';
import { openWorkbench, type Workbench } from '../support/tiny-training.js';

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());
afterEach(() => tf.disposeVariables());

/** Squeeze-excite and padding of EfficientNet in PyTorch. */
const pytorch = { squeeze: 'swish', gate: 'sigmoid', padding: 'symmetric', epsilon: 1e-5 } as const;

const networkOf = (act: Activation, se: number, style?: Network['style']): Network => ({
  kind: 'network',
  input: [10, 10, 1],
  classes: 10,
  stem: { filters: 8, kernel: 3, stride: 2, act },
  blocks: [
    { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act, expand: 3, se },
    { kind: 'mbconv', filters: 16, kernel: 3, stride: 2, act, expand: 3, se },
  ],
  head: { filters: 32, act, dropout: 0.2 },
  ...(style && { style }),
});

const count = 64;

/** The first training images that a seed draws. */
const drawn = (): Promise<Float32Array> =>
  withDataset(bench.dataset, async (dataset) => {
    const options = { split: 'train', seed: 4, viewSeed: 4, augment: [], shuffle: true, dropLast: true } as const;
    const loader = createLoader({ dataset, batch: count, ...options });
    try {
      for await (const { images } of loader.epoch(0)) return images.slice();
      throw new Error('there are no images');
    } finally {
      await loader.close();
    }
  });

/** Root of the mean square of the differences. */
const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

test.each([
  ['relu6', 0, 8],
  ['relu', 0, 7],
  ['hard_swish', 0.25, 8],
  ['swish', 0.25, 7],
  ['swish', 0.5, 8, pytorch],
] as const)(
  'with rounding, a network (%s, squeeze %d) computes what its int8 file does: %d bits',
  async (act, se, bits, style?: Network['style']) => {
    const network = networkOf(act, se, style);
    const weights = initialWeights(network, 6);
    const images = await drawn();
    const shape = [count, ...network.input];
    const prepared = prepareModel(toOnnx({ network, weights }), 'the network');
    const batch = { images, shape };
    const batches = async function* () {
      yield await Promise.resolve(batch);
    };
    const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
    const { model } = quantizeModel(prepared, minmax, { weightBits: bits });
    const expected = await runOnnx(model, 'the file', images, shape, { exactIntegers: true });
    const ranges = await withDataset(bench.dataset, (dataset) =>
      activationRanges({ network, weights }, dataset, { method: 'minmax', percentile: 100, images: count, seed: 4 }),
    );
    const quantization = { weightBits: bits, ranges };
    const logits = (rounding: boolean): Float32Array =>
      tf.tidy(() => {
        const values = weightsFrom(weights);
        const input = tf.tensor(images, shape);
        const applied = rounding
          ? apply(network, roundedWeights(values, quantization), input, roundingMode(network, quantization))
          : apply(network, values, input, { training: false });
        return Float32Array.from(applied.logits.dataSync());
      });
    expect(distance(logits(true), expected)).toBeLessThan(0.5 * distance(logits(false), expected));
  },
);
