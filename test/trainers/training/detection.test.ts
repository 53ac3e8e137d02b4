import { beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import type { Network } from '../../../spaces/index.js';
import { fit, prepareDataset, trainSchema, type DatasetRef, type FitJob } from '../../../trainers/index.js';
import { makeBoxedImages } from '../../support/boxed-images.js';
import { sharedFolder } from '../../support/temporary.js';
import { smallDetector as network } from '../../support/trained-detector.js';
import { auto, quiet, complete } from '../support/tiny-training.js';
import { evaluateModel } from '../support/evaluate-model.js';

const folder = sharedFolder();
let dataset: DatasetRef;
beforeAll(async () => {
  dataset = await prepareDataset(await makeBoxedImages(join(folder, 'images'), { count: 120 }), {
    cache: join(folder, 'cache'),
  });
});

const job = (name: string, epochs: number): FitJob => ({
  network,
  dataset,
  seed: 1,
  engine: auto,
  threads: 1,
  sharedCores: false,
  teacher: null,
  directory: join(folder, name),
  train: trainSchema.parse({ epochs, batch: 8, augment: ['window', 'flip'] }),
});

describe('training on boxes', () => {
  it('finds the boxes, and keeps its scores and thresholds', async () => {
    const result = await complete(job('trained', 12));
    expect(result.accuracy).toBeGreaterThan(0.8);
    expect(result.curve.at(-1)?.metrics).toHaveProperty('ap');
    const { details } = result;
    if (details.type !== 'detection') throw new Error('other details');
    for (const { threshold, boxes } of details.classes) {
      expect(boxes).toBeGreaterThan(5);
      expect(threshold).toBeGreaterThan(0.05);
      expect(threshold).toBeLessThan(1);
    }
    const options = { network, weights: result.weights, dataset, split: 'validation', threads: 1 } as const;
    const evaluated = await evaluateModel({ ...options, engine: auto });
    expect(evaluated.accuracy).toBeCloseTo(result.accuracy, 4);
    expect(evaluated.loss).toBeCloseTo(result.curve.at(-1)?.validation_loss ?? NaN, 4);
    // A complete training returns its stored result.
    expect(await fit(job('trained', 12), quiet())).toEqual(result);
  });

  it('refuses a network that is no detector, and steps that cannot move boxes', async () => {
    const { head: _, ...rest } = network;
    const classifier: Network = { ...rest, head: { filters: 0, act: 'relu', dropout: 0 } };
    await expect(fit({ ...job('classifier', 1), network: classifier }, quiet())).rejects.toThrow(
      'the network is a classifier, the data is for detection',
    );
    const turned = trainSchema.parse({ epochs: 1, batch: 8, augment: ['rotation'] });
    await expect(fit({ ...job('turned', 1), train: turned }, quiet())).rejects.toThrow(/rotation cannot move boxes/);
  });
});
