import { expect, it } from 'vitest';
import { openDataset, prepareDataset } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('converts the 70,000 real images and splits them by class', async () => {
  const cache = temporaryFolder();
  const progress: number[] = [];
  const ref = await prepareDataset(
    { type: 'fashion-mnist', validation: 0.1, subset: 1 },
    { cache, onProgress: (done) => progress.push(done) },
  );
  expect(progress[0]).toBe(0);
  expect(progress.at(-1)).toBe(70_000);
  const dataset = openDataset(ref);
  const { info } = dataset;
  expect(info).toMatchObject({ name: 'fashion-mnist', height: 28, width: 28, channels: 1 });
  expect(info.counts).toEqual({ train: 54_000, validation: 6_000, test: 10_000 });
  // The known statistics of Fashion-MNIST's training images.
  expect(info.mean[0]).toBeCloseTo(0.286, 2);
  expect(info.std[0]).toBeCloseTo(0.353, 2);
  for (const [name, each] of [
    ['train', 5400],
    ['validation', 600],
    ['test', 1000],
  ] as const) {
    const counts = new Array<number>(10).fill(0);
    for (const label of dataset.split(name).labels) counts[label]++;
    expect(counts).toEqual(new Array(10).fill(each));
  }
  // No test image occurs in training: the package holds some images twice.
  const seen = (name: 'train' | 'test') => {
    const split = dataset.split(name);
    const image = new Uint8Array(784);
    return Array.from({ length: split.count }, (_, i) => {
      split.read([i], image);
      return Buffer.from(image).toString('latin1');
    });
  };
  const train = new Set(seen('train'));
  expect(train.size).toBeLessThan(54_000);
  expect(seen('test').some((image) => train.has(image))).toBe(false);
  dataset.close();
});
