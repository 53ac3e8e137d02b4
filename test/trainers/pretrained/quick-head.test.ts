import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { describeDataset, withDataset } from '../../../trainers/index.js';
import { quickScore } from '../../../trainers/pretrained/quick-head.js';
import { readingLines, readPretrained } from '../../../trainers/pretrained/read.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { sharedWorkbench } from '../support/tiny-training.js';

describe('the score of a quick head', () => {
  const random = new Random(3);
  const count = 60;
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const targets = Float32Array.from({ length: count * 3 }, (_, at) => Number(labels[Math.floor(at / 3)] === at % 3));
  const noise = (size: number): Float32Array => Float32Array.from({ length: count * size }, () => random.normal());

  test('is 1 where features tell the classes, and near chance where they do not', () => {
    const telling = noise(5).map((value, at) => value / 10 + (labels[Math.floor(at / 5)] === at % 5 ? 1 : 0));
    expect(quickScore(telling, targets, count, true)).toBe(1);
    expect(quickScore(telling, targets, count, false)).toBeGreaterThan(0.9);
    // More features than images fit any labels, but tell nothing about another image.
    const nothing = noise(200);
    expect(quickScore(nothing, targets, count, true)).toBeLessThan(0.6);
    expect(quickScore(nothing, targets, count, false)).toBeLessThan(0.1);
  });

  test('does not depend on the scale of a feature, nor on constant ones', () => {
    const features = noise(4);
    const scaled = features.map((value, at) => (at % 4 === 0 ? 1000 * value + 5 : value));
    expect(quickScore(scaled, targets, count, false)).toBeCloseTo(quickScore(features, targets, count, false), 4);
    const constant = new Float32Array(count * 2).fill(7);
    expect(quickScore(constant, targets, count, false)).toBeLessThanOrEqual(0);
  });
});

describe('the features that a new head reads', () => {
  const bench = sharedWorkbench();
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  /** A file whose last layers keep one number of the features. */
  async function narrow(): Promise<string> {
    const input = tfl.input({ shape: [10, 10, 1] });
    const kernelInitializer = tfl.initializers.randomNormal({ seed: 7 });
    const layers = [
      tfl.layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', kernelInitializer, name: 'conv' }),
      tfl.layers.averagePooling2d({ poolSize: [8, 8], name: 'pool' }),
      tfl.layers.flatten({ name: 'flat' }),
      tfl.layers.dense({ units: 1, kernelInitializer, name: 'narrow' }),
      tfl.layers.dense({ units: 4, activation: 'softmax', kernelInitializer, name: 'last' }),
    ];
    const outputs = layers.reduce<tfl.SymbolicTensor>((x, layer) => layer.apply(x) as tfl.SymbolicTensor, input);
    return saveLayersModel(tfl.model({ inputs: input, outputs }), join(bench.folder, 'narrow'));
  }

  test('are the ones that answer best, which is said with the scores of the others', async () => {
    const path = await narrow();
    const info = describeDataset(bench.dataset);
    await withDataset(bench.dataset, async (dataset) => {
      const found = await readPretrained({ path, mean: 0, std: 1 }, info, dataset);
      expect(found.network.features).toBe('flat [16]');
      expect(readingLines(found)[1]).toMatch(
        /The new last layer of narrow reads flat \[16\]: a quick head on \d+ images scores [\d.]+ % \(narrow \[1\] [\d.]+ %\)/,
      );
      const named = await readPretrained({ path, mean: 0, std: 1, features: 'narrow' }, info, dataset);
      expect(named.network.features).toBe('narrow [1]');
    });
  });

  test('decide the normalisation of a file without norms', async () => {
    const path = await narrow();
    await withDataset(bench.dataset, async (dataset) => {
      const { scale } = await readPretrained({ path }, dataset.info, dataset);
      expect(scale.from).toBe('head');
      expect(scale.found).toMatch(/^a quick head answers best on .* \([\d.]+ %\), next .* \([\d.]+ %\)/);
    });
  });
});
