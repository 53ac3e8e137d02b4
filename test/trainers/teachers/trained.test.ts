import { describe, expect, test } from 'vitest';
import { presetNetworks } from '../../../spaces/index.js';
import { teacherSchema, trainSchema, type SingleTeacher } from '../../../trainers/index.js';
import { teacherBatch, teacherNetwork, teacherTraining } from '../../../trainers/teachers/trained.js';
import { learningShares } from '../../../trainers/training/fit.js';

const configOf = (keys: object): Extract<SingleTeacher, { type: 'train' }> => {
  const config = teacherSchema.parse({ type: 'train', ...keys });
  if (config.type !== 'train') throw new Error('a trained teacher was expected');
  return config;
};

describe('the training of a teacher', () => {
  const dataOf = (train: number) => ({
    counts: { train, validation: 100, test: 0 },
    task: { type: 'classification' as const },
  });
  const students = trainSchema.parse({ augment: ['flip', 'mixup'] });
  const trainOf = (network: string, images: number, keys = {}) =>
    teacherTraining(configOf({ network, ...keys }), dataOf(images), students);

  test('is that of a network of pools for classes, and of a residual network for numbers', () => {
    const config = configOf({});
    expect(teacherNetwork(config, dataOf(100))).toBe('pooled');
    expect(teacherNetwork(config, { task: { type: 'regression', mean: [0], std: [1] } })).toBe('resnet');
    expect(teacherNetwork(configOf({ network: 'mobilenet' }), dataOf(100))).toBe('mobilenet');
    expect(teacherBatch(config, dataOf(45_000))).toBe(256);
  });

  test('has larger batches and smaller steps for a network of pools, and labels as they are', () => {
    expect(trainOf('pooled', 45_000)).toMatchObject({
      batch: 256,
      optimizer: { muon_rate: 0.06 },
      loss: { label_smoothing: 0 },
      augment: [{ type: 'flip' }],
    });
    expect(trainOf('resnet', 45_000)).toMatchObject({
      batch: 128,
      optimizer: { muon_rate: 0.1 },
      loss: { label_smoothing: 0 },
    });
  });

  test('has usual batches where images are few, and the batch that is asked for', () => {
    for (const [images, keys, batch] of [
      [2000, {}, 128],
      [2000, { batch: 64 }, 64],
      [45_000, { batch: 64 }, 64],
    ] as const) {
      expect(trainOf('pooled', images, keys).batch).toBe(batch);
      expect(teacherBatch(configOf({ network: 'pooled', ...keys }), dataOf(images))).toBe(batch);
    }
  });
});

describe('shares of the learning rate', () => {
  const task = { input: [32, 32, 3], classes: 10 } as const;
  const sharesOf = (network: 'pooled' | 'resnet', keys = {}) =>
    learningShares(presetNetworks[network](task, 0.25), trainSchema.parse(keys));

  test('of a network of pools are small for outputs, large for offsets of norms, and none for their scales', () => {
    expect(Object.fromEntries(sharesOf('pooled') ?? [])).toMatchObject({
      'stem_bn/beta': 4,
      'block1_bn/beta': 4,
      'block6_bn/gamma': 0,
      'logits/kernel': 0.1,
      'logits/bias': 0.1,
    });
    expect(sharesOf('pooled')?.has('block1/kernel')).toBe(false);
  });

  test('are all 1 in the recipe plain, and for other networks', () => {
    expect(sharesOf('pooled', { recipe: 'plain' })).toBeUndefined();
    expect(sharesOf('resnet')).toBeUndefined();
  });
});
