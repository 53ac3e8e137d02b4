import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { runOnnx } from '../../compiler/index.js';
import { exportOnnx, readExport, type ModelMetadata } from '../../deploy/index.js';
import { apply, initialWeights, weightsFrom, type Model } from '../../spaces/models/index.js';
import { trainingLoader, withDataset } from '../../trainers/index.js';
import { unfoldBatchNorm } from '../../trainers/batch-norm.js';
import { tinyStudent } from './support/networks.js';
import { sharedWorkbench } from './support/tiny-training.js';

const bench = sharedWorkbench();

const network = tinyStudent();

/** A model as after training: statistics, gamma and beta away from where they begin. */
function trained(): Model {
  const random = new Random(4, 'trained');
  const weights = [...initialWeights(network, 4)].map(([name, { shape, data }]) => {
    const isVariance = name.endsWith('variance');
    const moved = data.map((value) => value + 0.3 * (isVariance ? random.uniform() : random.normal()));
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

/** All training images in one batch, as the statistics see them. */
const trainingImages = (size: number): Promise<Float32Array> =>
  withDataset(bench.dataset, async (dataset) => {
    const loader = trainingLoader(dataset, { batch: size, seed: 0 });
    try {
      for await (const { images } of loader.epoch(0)) return images;
      throw new Error('no images');
    } finally {
      await loader.close();
    }
  });

const logitsOf = ({ weights }: Model, images: Float32Array, training: boolean): number[] =>
  tf.tidy(() => {
    const shape = [images.length / 100, ...network.input];
    return [...apply(network, weightsFrom(weights), tf.tensor(images, shape), { training }).logits.dataSync()];
  });

const largestDifference = (a: ArrayLike<number>, b: readonly number[]): number =>
  b.reduce((top, value, i) => Math.max(top, Math.abs(value - a[i])), 0) / Math.max(...b.map(Math.abs));

describe('unfoldBatchNorm', () => {
  it('makes what an ONNX file holds compute the same in training as in inference', async () => {
    const metadata: ModelMetadata = {
      classes: Array.from({ length: 10 }, (_, i) => String(i)),
      layout: 'NHWC',
      input: network.input,
      mean: [0],
      std: [1],
      nas_version: '0.1.0',
      created: '2026-01-02T03:04:05.000Z',
      network,
    };
    const bytes = exportOnnx(trained(), metadata);
    const file = join(bench.folder, 'model.onnx');
    writeFileSync(file, bytes);
    const { model } = await readExport(file);
    const images = await trainingImages(100);
    const expected = [...(await runOnnx(bytes, 'the model', images, [100, ...network.input]))];
    // As it is read, batch norm would throw away in training what was folded into the kernels.
    expect(largestDifference(logitsOf(model, images, true), expected)).toBeGreaterThan(0.3);

    const unfolded = await withDataset(bench.dataset, (dataset) => unfoldBatchNorm(model, dataset));
    expect(largestDifference(logitsOf(unfolded, images, false), expected)).toBeLessThan(1e-4);
    expect(largestDifference(logitsOf(unfolded, images, true), expected)).toBeLessThan(1e-4);
    // In a batch of a fifth of the images, statistics differ by what a sample differs.
    const [some, of] = [images.subarray(0, 2000), expected.slice(0, 200)];
    expect(largestDifference(logitsOf(unfolded, some, true), of)).toBeLessThan(0.3);
  });

  it('gives the same bits again, for any number of images', async () => {
    const unfold = (images: number) =>
      withDataset(bench.dataset, async (dataset) => {
        const counts: number[] = [];
        const onProgress = (done: number) => void counts.push(done);
        return { counts, ...(await unfoldBatchNorm(trained(), dataset, { images, batch: 20, onProgress })) };
      });
    const first = await unfold(50);
    expect(first.counts).toEqual([20, 40, 60]);
    expect(await unfold(50)).toEqual(first);
    const more = await unfold(1000);
    expect(more.counts).toEqual([20, 40, 60, 80, 100]);
    expect(more.weights).not.toEqual(first.weights);
  });

  it('gives the same statistics for any batch size', async () => {
    const [whole, parts] = await withDataset(bench.dataset, async (dataset) => [
      await unfoldBatchNorm(trained(), dataset, { batch: 100 }),
      await unfoldBatchNorm(trained(), dataset, { batch: 20 }),
    ]);
    for (const [name, { data }] of parts.weights)
      expect(largestDifference(data, [...(whole.weights.get(name)?.data ?? [])])).toBeLessThan(1e-5);
  });
});
