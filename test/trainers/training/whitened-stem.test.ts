import { beforeAll, describe, expect, test } from 'vitest';
import { openDataset, type Dataset } from '../../../trainers/index.js';
import {
  type FilterShape,
  patchCovariance,
  whitenedFilters,
  whitenedStem,
} from '../../../trainers/training/whitened-stem.js';
import { sharedWorkbench } from '../support/tiny-training.js';
import { slicedTo } from '../../../spaces/models/index.js';
import { stemKernel } from '../../../trainers/weights.js';

const bench = sharedWorkbench([5, 2]);
let dataset: Dataset;
beforeAll(() => {
  dataset = openDataset(bench.dataset);
  return () => dataset.close();
});

/** The covariance of smooth colour patches: neighbours and channels are alike. */
function smooth([rows, columns, channels]: FilterShape): Float64Array {
  const size = rows * columns * channels;
  const place = (i: number) => {
    const pixel = Math.floor(i / channels);
    return [Math.floor(pixel / columns), pixel % columns, i % channels];
  };
  return Float64Array.from({ length: size * size }, (_, i) => {
    const [a, b] = [place(Math.floor(i / size)), place(i % size)];
    return 0.8 ** (Math.abs(a[0] - b[0]) + 1.1 * Math.abs(a[1] - b[1])) * (a[2] === b[2] ? 1 : 0.9);
  });
}

/** The covariance of the filters' outputs: [filters, filters], row-major. */
function outputs(covariance: Float64Array, shape: FilterShape): number[][] {
  const { data } = whitenedFilters(covariance, shape);
  const filters = shape[3];
  const size = data.length / filters;
  const column = (f: number) => Array.from({ length: size }, (_, i) => data[i * filters + f]);
  const columns = Array.from({ length: filters }, (_, f) => column(f));
  return columns.map((a) =>
    columns.map((b) =>
      a.reduce((sum, x, i) => sum + x * b.reduce((inner, y, j) => inner + covariance[i * size + j] * y, 0), 0),
    ),
  );
}

describe('whitenedFilters', () => {
  test('give uncorrelated outputs with variances near 1, and the negative of each', () => {
    const shape = [3, 3, 3, 24] as const;
    const found = outputs(smooth(shape), shape);
    for (const [i, row] of found.entries())
      for (const [j, value] of row.entries()) {
        const pair = i >> 1 === j >> 1;
        expect(Math.abs(value), `${i}, ${j}`).toBeLessThan(pair ? 1 : 1e-5);
        // The constant 0.01 takes more from directions that vary less.
        if (pair) expect(Math.abs(value), `${i}, ${j}`).toBeGreaterThan(i < 8 ? 0.95 : 0.7);
        if (pair) expect(Math.sign(value)).toBe(i === j ? 1 : -1);
      }
    const variances = found.map((row, i) => row[i]).filter((_, i) => i % 2 === 0);
    for (let k = 1; k < variances.length; k++) expect(variances[k]).toBeLessThan(variances[k - 1] + 1e-6);
  });

  test.each<[string, FilterShape]>([
    ['an odd number', [3, 3, 3, 13]],
    ['more than directions, grey', [3, 3, 1, 24]],
    ['more than directions, colour', [3, 3, 3, 61]],
    ['a single one', [1, 1, 1, 1]],
  ])('are the first ones of a larger number: %s', (_name, shape) => {
    const [rows, columns, channels, filters] = shape;
    const covariance = smooth(shape);
    const wide = whitenedFilters(covariance, [rows, columns, channels, filters + 7]);
    const narrow = whitenedFilters(covariance, shape);
    expect(slicedTo(wide, shape)).toEqual(narrow);
    expect(narrow.data.every(Number.isFinite)).toBe(true);
  });

  test('beyond the directions are different unit combinations', () => {
    const shape = [3, 3, 1, 40] as const;
    const found = outputs(smooth(shape), shape);
    for (let i = 18; i < 40; i++) {
      expect(found[i][i]).toBeGreaterThan(0.8);
      expect(found[i][i]).toBeLessThan(1);
      for (let j = 0; j < i; j++) if (i >> 1 !== j >> 1) expect(Math.abs(found[i][j])).toBeLessThan(0.98);
    }
  });

  test('stay finite for images without contrast', () => {
    expect(whitenedFilters(new Float64Array(81), [3, 3, 1, 20]).data.every(Number.isFinite)).toBe(true);
  });
});

describe('patchCovariance', () => {
  const shape = [3, 3, 1, 6] as const;

  test('is the same again, symmetric, and near 1 on the diagonal', () => {
    const found = patchCovariance(dataset, [10, 10, 1], shape);
    expect(patchCovariance(dataset, [10, 10, 1], shape)).toEqual(found);
    for (let i = 0; i < 9; i++) {
      for (let j = 0; j < 9; j++) expect(found[i * 9 + j]).toBe(found[j * 9 + i]);
      // Images are normalised; patches have few pixels of the border.
      expect(found[i * 10]).toBeGreaterThan(0.5);
      expect(found[i * 10]).toBeLessThan(2);
    }
  });

  test('equals that of all patches of all images', () => {
    const { info } = dataset;
    const train = dataset.split('train');
    const pixels = new Uint8Array(train.count * 100);
    train.read(
      Array.from({ length: train.count }, (_, i) => i),
      pixels,
    );
    const value = (image: number, y: number, x: number): number =>
      (pixels[image * 100 + y * 10 + x] / 255 - info.mean[0]) / info.std[0];
    const sums = new Float64Array(81);
    for (let image = 0; image < train.count; image++)
      for (let y = 0; y < 8; y++)
        for (let x = 0; x < 8; x++)
          for (let i = 0; i < 81; i++) {
            const [a, b] = [Math.floor(i / 9), i % 9];
            const at = (k: number): number => value(image, y + Math.floor(k / 3), x + (k % 3));
            sums[i] += (at(a) * at(b)) / (train.count * 64);
          }
    // A whole number of batches leaves some images out, and patches are drawn.
    patchCovariance(dataset, [10, 10, 1], shape).forEach((x, i) => expect(Math.abs(x - sums[i])).toBeLessThan(0.06));
  });

  test('is of images in the size of the network, also one that is smaller than a patch', () => {
    const whole = patchCovariance(dataset, [10, 10, 1], shape);
    const half = patchCovariance(dataset, [5, 5, 1], shape);
    // Averages over pixels vary less.
    for (let i = 0; i < 9; i++) expect(half[i * 10]).toBeLessThan(whole[i * 10]);
    const tiny = patchCovariance(dataset, [2, 2, 1], [5, 5, 1, 4]);
    expect(tiny[0]).toBeGreaterThan(0);
    expect(tiny[2 * 26]).toBe(0);
  });
});

test('the stem is that of the data set, its split, the size of the images and the kernel', () => {
  const other = openDataset({ ...bench.dataset, validation: 0.5 });
  for (const [data, side, shape] of [
    [dataset, 10, [3, 3, 1, 4]],
    [other, 10, [3, 3, 1, 4]],
    [dataset, 5, [3, 3, 1, 4]],
    [dataset, 10, [2, 2, 1, 4]],
    [dataset, 10, [3, 3, 1, 6]],
  ] satisfies [Dataset, number, FilterShape][]) {
    const size = [side, side, 1] as const;
    const expected = whitenedFilters(patchCovariance(data, size, shape), shape);
    for (let time = 0; time < 2; time++)
      expect(whitenedStem(data, size, [{ name: stemKernel, shape, trainable: true, std: 1, fill: 0 }])).toEqual(
        expected,
      );
  }
  other.close();
});
