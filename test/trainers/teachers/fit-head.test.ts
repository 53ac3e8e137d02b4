import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { fitHead, type LabelledFeatures } from '../../../trainers/teachers/fit-head.js';
import { minimise } from '../../../trainers/teachers/lbfgs.js';

/** Images of three classes: the first features point to the class, the others are noise, on other scales. */
function clouds(count: number, size: number, seed: string, distance: number): LabelledFeatures {
  const random = new Random(1, 'clouds', seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = Float32Array.from({ length: count * size }, (_, i) => {
    const feature = i % size;
    const isOwn = feature === labels[Math.floor(i / size)];
    return 100 * feature + (1 + feature) * (random.normal() + (isOwn ? distance : 0));
  });
  return { features, labels };
}

const answers = ({ features, labels }: LabelledFeatures, kernel: Float32Array, bias: Float32Array): number => {
  const [size, classes] = [features.length / labels.length, bias.length];
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    const scores = Array.from(bias, (offset, c) => {
      let sum = offset;
      for (let f = 0; f < size; f++) sum += features[i * size + f] * kernel[f * classes + c];
      return sum;
    });
    if (scores.indexOf(Math.max(...scores)) === labels[i]) correct++;
  }
  return correct / labels.length;
};

describe('a head on cached features', () => {
  it('finds the classes, for features as they are', async () => {
    const [train, validation] = [clouds(300, 6, 'train', 4), clouds(150, 6, 'validation', 4)];
    const head = await fitHead(train, validation, { classes: 3 });
    expect(head.accuracy).toBeGreaterThan(0.95);
    expect(answers(validation, head.kernel, head.bias)).toBeCloseTo(head.accuracy, 6);
    expect(await fitHead(train, validation, { classes: 3 })).toEqual(head);
  });

  it('takes a stronger ridge where there are more features than images', async () => {
    const few = await fitHead(clouds(60, 200, 'few', 1.5), clouds(300, 200, 'other', 1.5), { classes: 3 });
    const many = await fitHead(clouds(3000, 6, 'many', 1.5), clouds(300, 6, 'other', 1.5), { classes: 3 });
    expect(few.ridge).toBeGreaterThan(many.ridge);
    const weak = await fitHead(clouds(60, 200, 'few', 1.5), clouds(300, 200, 'other', 1.5), {
      classes: 3,
      ridges: [1e-5],
    });
    expect(few.loss).toBeLessThan(weak.loss);
  });

  it('takes features that never change', async () => {
    const { features, labels } = clouds(90, 4, 'constant', 4);
    const constant = features.map((value, i) => (i % 4 === 3 ? 7 : value));
    const head = await fitHead({ features: constant, labels }, { features: constant, labels }, { classes: 3 });
    expect(head.accuracy).toBeGreaterThan(0.9);
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
