import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { fitHead, type FittedHead, type LabelledFeatures } from '../../../trainers/pretrained/fit-head.js';
import { minimise } from '../../../trainers/pretrained/lbfgs.js';

/** Images of three classes: the first features point to the class, the others are noise, on other scales. */
function clouds(count: number, size: number, seed: string, distance: number): LabelledFeatures {
  const random = new Random(1, 'clouds', seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = Float32Array.from({ length: count * size }, (_, i) => {
    const feature = i % size;
    const isOwn = feature === labels[Math.floor(i / size)];
    return 100 * feature + (1 + feature) * (random.normal() + (isOwn ? distance : 0));
  });
  const targets = Float32Array.from({ length: count * 3 }, (_, i) => (labels[Math.floor(i / 3)] === i % 3 ? 1 : 0));
  return { features, targets };
}

const answers = (
  { features, targets }: LabelledFeatures,
  { kernel, bias }: Pick<FittedHead, 'kernel' | 'bias'>,
): number => {
  const classes = bias.length;
  const count = targets.length / classes;
  const size = features.length / count;
  let correct = 0;
  for (let i = 0; i < count; i++) {
    const scores = Array.from(bias, (offset, c) => {
      let sum = offset;
      for (let f = 0; f < size; f++) sum += features[i * size + f] * kernel[f * classes + c];
      return sum;
    });
    if (targets[i * classes + scores.indexOf(Math.max(...scores))] === 1) correct++;
  }
  return correct / count;
};

describe('a head on cached features', () => {
  it('finds the classes, for features as they are', async () => {
    const [train, validation] = [clouds(300, 6, 'train', 4), clouds(150, 6, 'validation', 4)];
    const head = await fitHead(train, validation, { outputs: 3, task: 'classification' });
    expect(answers(validation, head)).toBeGreaterThan(0.95);
    expect(await fitHead(train, validation, { outputs: 3, task: 'classification' })).toEqual(head);
  });

  it('takes a stronger ridge where there are more features than images', async () => {
    const few = await fitHead(clouds(60, 200, 'few', 1.5), clouds(300, 200, 'other', 1.5), {
      outputs: 3,
      task: 'classification',
    });
    const many = await fitHead(clouds(3000, 6, 'many', 1.5), clouds(300, 6, 'other', 1.5), {
      outputs: 3,
      task: 'classification',
    });
    expect(few.ridge).toBeGreaterThan(many.ridge);
    const weak = await fitHead(clouds(60, 200, 'few', 1.5), clouds(300, 200, 'other', 1.5), {
      outputs: 3,
      task: 'classification',
      ridges: [1e-5],
    });
    expect(few.loss).toBeLessThan(weak.loss);
  });

  it('takes features that never change', async () => {
    const { features, targets } = clouds(90, 4, 'constant', 4);
    const constant = features.map((value, i) => (i % 4 === 3 ? 7 : value));
    const head = await fitHead(
      { features: constant, targets },
      { features: constant, targets },
      { outputs: 3, task: 'classification' },
    );
    expect(answers({ features: constant, targets }, head)).toBeGreaterThan(0.9);
    expect([...head.kernel].every(Number.isFinite)).toBe(true);
  });
});

describe('L-BFGS', () => {
  it('finds the minimum of a quadratic of very different curvatures', async () => {
    const curvatures = Float64Array.from({ length: 50 }, (_, i) => 10 ** (i / 20));
    const target = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const at = (x: Float64Array) => {
      const gradient = x.map((value, i) => curvatures[i] * (value - target[i]));
      const value = gradient.reduce((sum, slope, i) => sum + (slope * (x[i] - target[i])) / 2, 0);
      return Promise.resolve({ value, gradient });
    };
    const found = await minimise(at, new Float64Array(50), { iterations: 500 });
    found.forEach((value, i) => expect(value).toBeCloseTo(target[i], 4));
  });
});
