import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { channelGroups, detectionOf, targetShape, type Network } from '../../spaces/index.js';
import { apply, initialWeights, weightsFrom, type Weights } from '../../spaces/models/index.js';
import { totalLoss } from '../../trainers/losses/index.js';
import { gateGradients } from '../../trainers/channel-importance.js';
import { channelImportance, onProcessor, openDataset, saveWeights, trainingLoader } from '../../trainers/index.js';
import { segmentationBatch, tinyDetector } from '../support/tiny-detector.js';
import { noiseBatch, tinyStudent, tinyTeacher } from './support/networks.js';
import { compiled, sharedWorkbench } from './support/tiny-training.js';

/** Weights as after a training: no two channels alike. */
function settled(network: Network): Weights {
  const random = new Random(5, 'settled');
  const weights = initialWeights(network, 1);
  for (const [name, { data }] of weights)
    if (!name.endsWith('kernel'))
      for (const i of data.keys())
        data[i] = name.endsWith('variance') ? 0.5 + random.uniform() : 0.5 + 0.3 * random.normal();
    else if (name.startsWith('logits')) for (const i of data.keys()) data[i] = 0.3 * random.normal();
  return weights;
}

/** The loss when one channel of a group is multiplied by a gate wherever it is read. */
function lossWith(
  network: Network,
  weights: Weights,
  group: string,
  channel: number,
  gate: number,
  batch: ReturnType<typeof noiseBatch>,
): number {
  const gated = new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
  for (const { name, axes, width } of channelGroups(network))
    for (const { weight, axis, role } of axes) {
      const value = gated.get(weight);
      if (name !== group || role !== 'reads' || value === undefined) continue;
      const inner = value.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (const i of value.data.keys()) if (Math.floor(i / inner) % width === channel) value.data[i] *= gate;
    }
  return tf.tidy(() => {
    const images = tf.tensor(batch.images, [8, ...network.input]);
    const labels = tf.tensor(batch.labels, [8, ...targetShape(network)]);
    const { logits } = apply(network, weightsFrom(gated), images, { training: false });
    const task = detectionOf(network) === null ? 'classification' : 'segmentation';
    const loss = { type: 'cross-entropy', label_smoothing: 0, task } as const;
    return totalLoss(loss, { labels, logits, teacher: null }).dataSync()[0];
  });
}

describe('gateGradients', () => {
  it.each([
    ['inverted residuals with squeeze-excite', tinyStudent(), noiseBatch],
    ['a basic block', tinyTeacher(), noiseBatch],
    ['a segmenter', tinyDetector({ segmentation: true, se: 0.5 }), segmentationBatch],
  ])('equal finite differences: %s', async (_, network, batchOf) => {
    const weights = settled(network);
    const batch = batchOf(network, 8, 2);
    const gradients = await gateGradients({ network, weights }, 8, onProcessor, 1);
    const found = await gradients.of(batch.images, batch.labels);
    await gradients.close();
    expect([...found.keys()]).toEqual(channelGroups(network).map(({ name }) => name));
    const step = 0.01;
    for (const { name, width } of channelGroups(network)) {
      const differences = Array.from({ length: width }, (_, channel) => {
        const at = (gate: number): number => lossWith(network, weights, name, channel, gate, batch);
        return (at(1 + step) - at(1 - step)) / (2 * step);
      });
      const scale = Math.max(...differences.map(Math.abs));
      for (const [channel, difference] of differences.entries())
        expect(Math.abs((found.get(name)?.[channel] ?? NaN) - difference)).toBeLessThan(0.02 * scale + 1e-4);
    }
  });
});

describe('channelImportance', () => {
  const bench = sharedWorkbench();
  const network = tinyStudent();
  const weights = settled(network);
  const file = join(bench.folder, 'weights.bin');
  beforeAll(() => saveWeights(weights, file));
  const options = (images?: number) => ({
    network,
    weights: file,
    dataset: bench.dataset,
    seed: 4,
    engine: compiled,
    threads: 1,
    ...(images === undefined ? {} : { images }),
  });

  it('is the sum of the squares over the batches, the same each time', async () => {
    const calls: [number, number][] = [];
    const found = await channelImportance(options(), { onProgress: (...progress) => calls.push(progress) });
    // 96 training images: one batch of 64.
    expect(calls).toEqual([[64, 64]]);
    const dataset = openDataset(bench.dataset);
    const loader = trainingLoader(dataset, { batch: 64, seed: 4, size: [10, 10] });
    const gradients = await gateGradients({ network, weights }, 64, onProcessor, 1);
    for await (const batch of loader.epoch(0))
      for (const [name, gates] of await gradients.of(batch.images, batch.labels))
        expect(found.get(name)).toEqual([...gates].map((gate) => gate * gate));
    await gradients.close();
    await loader.close();
    dataset.close();
    expect(await channelImportance(options())).toEqual(found);
    expect(await channelImportance(options(32))).not.toEqual(found);
  });

  it('is zero for a channel without readers', async () => {
    const deaf = new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
    const kernel = deaf.get('head/kernel');
    kernel?.data.fill(0, 2 * 8, 3 * 8);
    const path = join(bench.folder, 'deaf.bin');
    saveWeights(deaf, path);
    const found = (await channelImportance({ ...options(), weights: path })).get('block2_project');
    expect(found?.map((x) => x > 0)).toEqual([true, true, false, true, true, true]);
  });

  it('stops when the signal is aborted', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(channelImportance(options(), { signal: controller.signal })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});
