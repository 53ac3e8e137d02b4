import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { fitHead, headParts, type FittedHead, type TrainingFeatures } from '../../../trainers/pretrained/fit-head.js';
import { minimise } from '../../../trainers/pretrained/lbfgs.js';

/** Images of three classes: the first features point to the class, the others are noise, on other scales. */
function clouds(count: number, size: number, seed: string, distance: number): TrainingFeatures {
  const random = new Random(1, 'clouds', seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = Float32Array.from({ length: count * size }, (_, i) => {
    const feature = i % size;
    const isOwn = feature === labels[Math.floor(i / size)];
    return 100 * feature + (1 + feature) * (random.normal() + (isOwn ? distance : 0));
  });
  const targets = Float32Array.from({ length: count * 3 }, (_, i) => (labels[Math.floor(i / 3)] === i % 3 ? 1 : 0));
  return { features, targets, parts: Uint8Array.from(labels, (_, i) => i % headParts) };
}

type Images = Pick<TrainingFeatures, 'features' | 'targets'>;

/** The share of the images that get their own class. */
const answers = ({ features, targets }: Images, { kernel, bias }: Pick<FittedHead, 'kernel' | 'bias'>): number => {
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
    const { features, targets, parts } = clouds(90, 4, 'constant', 4);
    const constant = features.map((value, i) => (i % 4 === 3 ? 7 : value));
    const head = await fitHead(
      { features: constant, targets, parts },
      { features: constant, targets },
      { outputs: 3, task: 'classification' },
    );
    expect(answers({ features: constant, targets }, head)).toBeGreaterThan(0.9);
    expect([...head.kernel].every(Number.isFinite)).toBe(true);
  });
});

it('a feature that hardly varies gets no large weight: a small change of it would decide', async () => {
  const { features, ...rest } = clouds(300, 6, 'train', 4);
  const faint = features.map((value, i) => (i % 6 === 5 ? (value - 500) * 1e-5 : value));
  const { kernel } = await fitHead({ features: faint, ...rest }, clouds(150, 6, 'validation', 4), {
    outputs: 3,
    task: 'classification',
    ridges: [1e-3],
  });
  const largest = Math.max(...kernel.map(Math.abs));
  expect(Math.max(...kernel.slice(15).map(Math.abs))).toBeLessThan(largest);
});

/** The images of some rows. */
const chosen = ({ features, targets, parts }: TrainingFeatures, rows: readonly number[]): TrainingFeatures => {
  const [size, classes] = [features.length / parts.length, targets.length / parts.length];
  const of = (values: Float32Array, width: number): Float32Array =>
    Float32Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]));
  return {
    features: of(features, size),
    targets: of(targets, classes),
    parts: Uint8Array.from(rows, (row) => parts[row]),
  };
};

describe('a head counts images', () => {
  const all = clouds(3000, 4, 'train', 1.5);
  // 34 images of the first class beside 2,000 of the others.
  const rows = Array.from({ length: 3000 }, (_, i) => i).filter((i) => i % 3 !== 0 || i % 90 === 0);
  const train = chosen(all, rows);
  const test = clouds(900, 4, 'test', 1.5);
  const rare = chosen(
    test,
    Array.from({ length: 300 }, (_, i) => 3 * i),
  );
  const options = { outputs: 3, task: 'classification' } as const;

  it('by their weights: a rare class is found more often, and repeating an image does the same', async () => {
    const weights = Float32Array.from(rows, (i) => (i % 3 === 0 ? 30 : 1));
    const plain = await fitHead(train, test, options);
    const weighted = await fitHead({ ...train, weights }, test, options);
    expect(answers(rare, plain)).toBeLessThan(0.3);
    expect(answers(rare, weighted)).toBeGreaterThan(0.6);
    const repeated = chosen(
      train,
      rows.flatMap((i, row) => Array.from({ length: i % 3 === 0 ? 30 : 1 }, () => row)),
    );
    const ridges = [0.01];
    const [a, b] = await Promise.all([
      fitHead({ ...train, weights }, test, { ...options, ridges }),
      fitHead(repeated, test, { ...options, ridges }),
    ]);
    expect(Math.abs(answers(test, a) - answers(test, b))).toBeLessThan(0.02);
  });

  it('of a group in one part of a cross-validation: near copies do not choose the ridge', async () => {
    const own = clouds(50, 200, 'groups', 1);
    const validation = clouds(60, 200, 'validation', 1);
    const copies = chosen(
      own,
      Array.from({ length: 250 }, (_, i) => Math.floor(i / 5)),
    );
    const byImage = { ...copies, parts: copies.parts.map((_, row) => row % headParts) };
    const byGroup = { ...copies, parts: copies.parts.map((_, row) => Math.floor(row / 5) % headParts) };
    const leaked = await fitHead(byImage, validation, options);
    const honest = await fitHead(byGroup, validation, options);
    expect(honest.ridge).toBeGreaterThan(leaked.ridge);
    expect(answers(clouds(900, 200, 'test', 1), honest)).toBeGreaterThanOrEqual(
      answers(clouds(900, 200, 'test', 1), leaked),
    );
    // One group cannot be cross-validated.
    const one = { ...copies, parts: copies.parts.map(() => 0) };
    expect((await fitHead(one, validation, options)).loss).toBeGreaterThan(0);
  });

  it('and tells each ridge that is done', async () => {
    const told = new Set<string>();
    await fitHead(clouds(60, 3, 'few', 2), clouds(30, 3, 'other', 2), {
      ...options,
      ridges: [1, 0.1],
      between: (done, total) => Promise.resolve(void told.add(`${done} of ${total}`)),
    });
    expect([...told]).toEqual(['0 of 2', '1 of 2']);
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
