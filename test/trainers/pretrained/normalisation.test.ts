import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PixelScale } from '../../../base/preprocess.js';
import { classifierFile, foreignNetwork } from '../../../compiler/index.js';
import { trainingLoader, prepareTeacher, teacherSchema, trainSchema, withDataset } from '../../../trainers/index.js';
import { foundScale } from '../../../trainers/pretrained/normalisation.js';
import { readingLines, readPretrained } from '../../../trainers/pretrained/read.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { auto, sharedWorkbench, tinyTrain } from '../support/tiny-training.js';

const bench = sharedWorkbench();
beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Some images of the data, pixel / 255. */
const pixels = (): Promise<Float32Array> =>
  withDataset(bench.dataset, async (dataset) => {
    const scale = { mean: [0], std: [1] };
    const loader = trainingLoader(dataset, { batch: 64, seed: 5, scale });
    try {
      for await (const { images } of loader.epoch(0)) return images.slice();
      throw new Error('no images');
    } finally {
      await loader.close();
    }
  });

/** A network whose first norm has the statistics of other images of the data, normalised in this way. */
async function trainedOn({ mean, std }: PixelScale, name: string): Promise<string> {
  const images = (await pixels()).map((pixel) => (pixel - mean[0]) / std[0]);
  const input = tfl.input({ shape: [10, 10, 1] });
  const convolution = tfl.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', useBias: false });
  const maps = convolution.apply(input) as tfl.SymbolicTensor;
  const norm = tfl.layers.batchNormalization({});
  const layers = [norm, tfl.layers.globalAveragePooling2d({}), tfl.layers.dense({ units: 10, activation: 'softmax' })];
  const outputs = layers.reduce<tfl.SymbolicTensor>((x, layer) => layer.apply(x) as tfl.SymbolicTensor, maps);
  const stem = tfl.model({ inputs: input, outputs: maps });
  const found = tf.moments(stem.predict(tf.tensor(images, [64, 10, 10, 1])) as tf.Tensor, [0, 1, 2]);
  const [gamma, beta] = norm.getWeights();
  norm.setWeights([gamma, beta, found.mean, found.variance]);
  return saveLayersModel(tfl.model({ inputs: input, outputs }), join(bench.folder, name));
}

describe('the normalisation that a file was trained with', () => {
  test.each<[string, PixelScale]>([
    ['images in [0, 1]', { mean: [0], std: [1] }],
    ['images in [-1, 1]', { mean: [0.5], std: [0.5] }],
    ['images in [0, 255]', { mean: [0], std: [1 / 255] }],
  ])('%s is found by its first norm', async (name, scale) => {
    const path = await trainedOn(scale, name.replace(/\W+/g, '-'));
    const network = foreignNetwork(await classifierFile(path), { where: 'it' });
    const found = await withDataset(bench.dataset, (dataset) => foundScale(network, dataset));
    expect(found).toMatchObject({ ...scale, from: 'norms' });
    expect(found?.found).toContain(`fits ${name} `);
  });

  test("the data's own is found, too, and what the configuration says goes first", async () => {
    await withDataset(bench.dataset, async (dataset) => {
      const { info } = dataset;
      const path = await trainedOn(info, 'own');
      const read = await readPretrained({ path }, info, dataset);
      expect(read.scale).toMatchObject({ mean: info.mean, std: info.std, from: 'norms' });
      expect(readingLines(read)[0]).toMatch(/its first batch norm fits the data's own mean and deviation/);
      const given = await readPretrained({ path, mean: 0, std: 1 }, info, dataset);
      expect(given.scale).toEqual({ mean: [0], std: [1], from: 'configuration' });
    });
  });

  test('a teacher that is not adapted sees such images', async () => {
    const path = await trainedOn({ mean: [0.5], std: [0.5] }, 'teacher');
    const train = trainSchema.parse({ ...tinyTrain, epochs: 1, loss: { type: 'kd' } });
    const options = { dataset: bench.dataset, train, seed: 1, engine: auto, threads: 1 };
    const config = teacherSchema.parse({ type: 'file', path });
    const teacher = await prepareTeacher(config, { ...options, cache: join(bench.folder, 'cache') });
    expect(teacher?.normalisation).toMatchObject({ mean: [0.5], std: [0.5], from: 'norms' });
  });
});
