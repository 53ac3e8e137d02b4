import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { apply, initialWeights, weightsFrom } from '../../../spaces/models/index.js';
import { createLoader, withDataset } from '../../../trainers/index.js';
import { pointsOf } from '../../../trainers/quantize-aware/rounding.js';
import { activationRanges, type RangeOptions } from '../../../trainers/quantize-aware/ranges.js';
import type { Ranges } from '../../../trainers/quantize-aware/rounding.js';
import { tinyStudent } from '../support/networks.js';
import { openWorkbench, type Workbench } from '../support/tiny-training.js';

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());
afterEach(() => tf.disposeVariables());

const network = tinyStudent();
const model = { network, weights: initialWeights(network, 5) };

const rangesBy = (options: Partial<RangeOptions>): Promise<Ranges> =>
  withDataset(bench.dataset, (dataset) =>
    activationRanges(model, dataset, { method: 'minmax', percentile: 90, images: 32, seed: 4, ...options }),
  );

/** All values at each point over the same images, rising. */
async function valuesSeen(images: number): Promise<Map<string, number[]>> {
  const features = pointsOf(network).points.map(({ layer }) => layer);
  const seen = new Map<string, number[]>(features.map((layer) => [layer, []]));
  await withDataset(bench.dataset, async (dataset) => {
    const options = { split: 'train', seed: 4, viewSeed: 4, augment: [], shuffle: true, dropLast: true } as const;
    const loader = createLoader({ dataset, batch: images, ...options });
    for await (const batch of loader.epoch(0)) {
      tf.tidy(() => {
        const input = tf.tensor(batch.images, [images, ...network.input]);
        const maps = apply(network, weightsFrom(model.weights), input, { training: false, features }).features;
        for (const [i, map] of maps.entries()) seen.get(features[i])?.push(...map.dataSync());
      });
      break;
    }
    await loader.close();
  });
  return new Map([...seen].map(([layer, values]) => [layer, values.sort((a, b) => a - b)]));
}

test('are extremes, or what is left without the outermost, of training images', async () => {
  const seen = await valuesSeen(32);
  const [minmax, percentile] = [await rangesBy({}), await rangesBy({ method: 'percentile' })];
  for (const { layer, floor, size } of pointsOf(network).points) {
    const values = seen.get(layer) ?? [];
    expect(values.length).toBe(32 * size);
    // Nothing of the images themselves is left out.
    const out = layer === 'input' ? 0 : Math.floor(values.length * 0.05);
    const near = (range: readonly number[] | undefined, low: number, high: number) => {
      expect(range?.[0]).toBeCloseTo(Math.max(low, floor), 3);
      expect(range?.[1]).toBeCloseTo(high, 3);
    };
    near(minmax.get(layer), values[0], values[values.length - 1]);
    near(percentile.get(layer), values[out], values[values.length - 1 - out]);
  }
});

test('are the same again, of several batches as of one, and others with other images', async () => {
  const options = { method: 'percentile', percentile: 99.9, images: 80 } as const;
  const ranges = await rangesBy(options);
  expect(await rangesBy(options)).toEqual(ranges);
  expect(await rangesBy({ ...options, seed: 5 })).not.toEqual(ranges);
});
