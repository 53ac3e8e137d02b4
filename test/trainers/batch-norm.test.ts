import { afterAll, beforeAll, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs-core';
import { apply, initialWeights, weightsFrom, weightVariables } from '../../spaces/models/index.js';
import { calibrateBatchNorm, trainingLoader, openDataset, type Dataset } from '../../trainers/index.js';
import { activateBackend, onProcessor } from '../../trainers/engines/index.js';
import { tinyStudent } from './support/networks.js';
import { sharedWorkbench, tinyTrain } from './support/tiny-training.js';

const bench = sharedWorkbench([7]);
let dataset: Dataset;
beforeAll(async () => {
  dataset = openDataset(bench.dataset);
  await activateBackend();
});
afterAll(() => {
  dataset.close();
});

const network = tinyStudent({ size: 7, dropout: 0.5 });
const model = { network, weights: initialWeights(network, 1) };
const images = { augment: tinyTrain.augment, batch: 16, calibration: 40, seed: 9 };

test('gives the means over batches of the statistics of each, and leaves the rest', async () => {
  const found = await calibrateBatchNorm(model, { ...images, dataset }, { engine: onProcessor, threads: 1 });
  expect([...found.keys()]).toEqual([...model.weights.keys()]);

  // 40 images are 2.5 batches: three.
  const { batch, seed, augment } = images;
  const loader = trainingLoader(dataset, { batch, seed, augment, size: [7, 7] });
  const variables = weightVariables(model);
  const still = { ...network, head: { ...network.head, dropout: 0 } };
  const seen = new Map<string, number[][]>();
  let batches = 0;
  for await (const { images: pixels } of loader.epoch(0)) {
    tf.tidy(() => {
      const statistics = (name: string, { mean, variance }: { mean: tf.Tensor; variance: tf.Tensor }): void => {
        for (const [role, value] of [['moving_mean', mean] as const, ['moving_variance', variance] as const])
          seen.set(`${name}/${role}`, [...(seen.get(`${name}/${role}`) ?? []), [...value.dataSync()]]);
      };
      apply(still, weightsFrom(variables), tf.tensor(pixels, [batch, 7, 7, 1]), { training: true, statistics });
    });
    if (++batches === 3) break;
  }
  await loader.close();
  tf.dispose([...variables.values()]);

  for (const [name, { data }] of found) {
    const batchesOf = seen.get(name);
    if (batchesOf === undefined) expect(data).toEqual(model.weights.get(name)?.data);
    else
      data.forEach((value, c) =>
        expect(value, name).toBeCloseTo(batchesOf.reduce((sum, own) => sum + own[c], 0) / 3, 4),
      );
  }
  expect(seen.size).toBeGreaterThan(8);
});

test('takes all images when it is asked for more, and leaves nothing behind', async () => {
  const options = { engine: onProcessor, threads: 1 };
  const before = tf.memory().numTensors;
  const all = await calibrateBatchNorm(model, { ...images, calibration: 96, dataset }, options);
  expect(await calibrateBatchNorm(model, { ...images, calibration: 10_000, dataset }, options)).toEqual(all);
  expect(tf.memory().numTensors).toBe(before);
});
