import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { Random } from '../../../base/random.js';
import { foldSplits, partsOf } from '../../../trainers/data/folds.js';
import { noGroup, splitImages, type ImageTable } from '../../../trainers/data/split-images.js';
import { absentFrom, describeDataset, prepareDataset } from '../../../trainers/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { makeTinyDataset, openedDataset } from '../../support/tiny-dataset.js';

const shares = { test: 0.2, validation: 0.25, subset: 1 };

/** Images of random keys. @param groups the group of each; default: none */
function tableOf(labels: readonly number[], groups: readonly number[] | null = null, seed = 1): ImageTable {
  const random = new Random(seed, 'folds');
  return {
    count: labels.length,
    labels: Uint16Array.from(labels),
    keys: Float64Array.from(labels, () => random.int(2 ** 30)),
    assigned: new Uint8Array(labels.length).fill(255),
    groups: groups && Uint32Array.from(groups),
  };
}

const names = ['class a', 'class b', 'class c'];
const foldsOf = (table: ImageTable, of: number) => {
  const splits = splitImages(table, names, shares);
  return { splits, folds: Array.from({ length: of }, (_, index) => foldSplits(table, names, splits, { index, of })) };
};
const sorted = (rows: Iterable<number>): number[] => [...rows].sort((a, b) => a - b);
const countOf = ({ labels }: ImageTable, rows: Uint32Array, label: number): number =>
  rows.filter((row) => labels[row] === label).length;

describe('folds', () => {
  it('validate on each image once, train on the others, and leave the test out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0, max: 1000 }), (of, seed) => {
        const random = new Random(seed, 'labels');
        const table = tableOf(
          [0, 1, 2].flatMap((label) => new Array<number>(12 + random.int(9)).fill(label)),
          null,
          seed,
        );
        const { splits, folds } = foldsOf(table, of);
        const pool = sorted([...splits.train, ...splits.validation]);
        expect(sorted(folds.flatMap(({ validation }) => [...validation]))).toEqual(pool);
        for (const { train, validation, test } of folds) {
          expect(sorted([...train, ...validation])).toEqual(pool);
          expect(test).toEqual(splits.test);
          expect([...train]).toEqual(sorted(train));
        }
        for (const label of [0, 1, 2]) {
          const counts = folds.map(({ validation }) => countOf(table, validation, label));
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('deal the images of a cross-validation in parts that keep groups and share each class', () => {
    const labels = Array.from({ length: 120 }, (_, i) => Math.floor(i / 40));
    const table = tableOf(
      labels,
      labels.map((_, i) => Math.floor(i / 4)),
    );
    const rows = labels.map((_, i) => i).filter((i) => i % 40 < 32);
    const parts = partsOf(table, rows, 4);
    const groups = new Map(rows.map((row, at) => [Math.floor(row / 4), parts[at]]));
    expect(rows.every((row, at) => groups.get(Math.floor(row / 4)) === parts[at])).toBe(true);
    for (const part of [0, 1, 2, 3])
      for (const label of [0, 1, 2])
        expect(rows.filter((row, at) => parts[at] === part && labels[row] === label)).toHaveLength(8);
  });

  it('keep groups, and images with the same pixels, in one part', () => {
    const labels = Array.from({ length: 60 }, (_, i) => i % 3);
    const groups = labels.map((_, i) => (i < 36 ? Math.floor(i / 6) : noGroup));
    const table = tableOf(labels, groups);
    table.keys.set(table.keys.subarray(40, 41), 50);
    const { splits, folds } = foldsOf(table, 4);
    const partOf = (row: number): number => folds.findIndex(({ validation }) => validation.includes(row));
    const pool = [...splits.train, ...splits.validation];
    for (const group of new Set(groups.slice(0, 36)))
      expect(new Set(pool.filter((row) => groups[row] === group).map(partOf)).size).toBeLessThanOrEqual(1);
    if (pool.includes(40) && pool.includes(50)) expect(partOf(40)).toBe(partOf(50));
    for (const { validation } of folds) expect(validation.length).toBeGreaterThan(0);
  });

  it('are refused where a class would train nowhere, and where there are too few images', () => {
    const labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
    const table = tableOf(labels, [0, 1, 2, 3, 4, 5, 6, 6, 6, 7]);
    const splits = {
      train: Uint32Array.of(0, 1, 2, 6, 7),
      validation: Uint32Array.of(3, 8),
      test: Uint32Array.of(4, 9),
    };
    const each = [0, 1].map((index) => () => foldSplits(table, names, splits, { index, of: 2 }));
    expect(
      each.filter((split) => {
        try {
          split();
          return false;
        } catch {
          return true;
        }
      }),
    ).toHaveLength(1);
    expect(() => each.map((split) => split())).toThrow(
      /class b has training and validation images in one of 2 folds only/,
    );
    expect(() => foldSplits(table, names, splits, { index: 8, of: 9 })).toThrow(
      /7 images cannot be split into 9 folds/,
    );
  });

  it('and splits name the classes that they lack', async () => {
    const config = makeTinyDataset(temporaryFolder(), { train: 10, test: 4, size: 12 });
    const dataset = openedDataset(await prepareDataset(config, { cache: temporaryFolder() }));
    expect(absentFrom(dataset, 'validation')).toEqual([]);
    const { info } = dataset;
    const labels = Uint16Array.of(1, 1, 2);
    const split = () => ({ ...dataset.split('train'), labels, targets: null });
    expect(absentFrom({ info, split }, 'train')).toEqual(info.classes.filter((_, i) => i !== 1 && i !== 2));
    const task = { type: 'multi-label' } as const;
    const targets = Float32Array.from({ length: 20 }, (_, i) => (i === 13 ? 1 : 0));
    const tags = { info: { ...info, task }, split: () => ({ ...split(), targets }) };
    expect(absentFrom(tags, 'train')).toEqual(info.classes.filter((_, i) => i !== 3));
  });

  it('are data sets of their own, with statistics of their training images', async () => {
    const config = makeTinyDataset(temporaryFolder(), { train: 10, test: 4, size: 12 });
    const ref = await prepareDataset(config, { cache: temporaryFolder() });
    const whole = describeDataset(ref);
    const folds = [0, 1, 2].map((index) => describeDataset({ ...ref, fold: { index, of: 3 } }));
    expect(folds.reduce((sum, { counts }) => sum + counts.validation, 0)).toBe(100);
    expect(folds.map(({ counts }) => counts.test)).toEqual([40, 40, 40]);
    expect(new Set([whole, ...folds].map(({ hash }) => hash)).size).toBe(4);
    expect(new Set([whole, ...folds].map(({ mean }) => mean.join())).size).toBe(4);
  });
});
