import { describe, expect, it } from 'vitest';
import type { LabelledBox } from '../../../../base/boxes.js';
import { contentHash } from '../../../../base/hash.js';
import { adviseSize, networkSizes, splitsOrRefusal, type BoxImage } from '../../../../trainers/index.js';

const boxOf = (label: number, side = 10): LabelledBox => ({
  ...{ left: 0, top: 0, right: side, bottom: side, ignored: false },
  label,
});
const imageOf = (i: number, boxes: readonly LabelledBox[], others: Partial<BoxImage> = {}): BoxImage => ({
  file: { path: `${i}.png`, stamp: '' },
  ...{ width: 320, height: 240, split: null, group: '', content: contentHash(i) },
  boxes,
  ...others,
});
const shares = { test: 0.2, validation: 0.2 };
const splitsOf = (images: readonly BoxImage[]) =>
  splitsOrRefusal(
    images.map((image) => ({ ...image, labels: image.boxes.map(({ label }) => label) })),
    ['often', 'rare'],
    shares,
  );

describe('splits of images with boxes', () => {
  it('have rare classes in each split, whatever else is on the images', () => {
    const images = Array.from({ length: 100 }, (_, i) => imageOf(i, i < 5 ? [boxOf(0), boxOf(1)] : [boxOf(0)]));
    const splits = splitsOf(images);
    if (!Array.isArray(splits)) throw new Error('refused');
    expect(new Set(splits.slice(0, 5))).toEqual(new Set(['train', 'validation', 'test']));
    expect(splits.filter((split) => split === 'test').length).toBe(20);
  });

  it('keep groups together and images without boxes', () => {
    const images = Array.from({ length: 60 }, (_, i) =>
      imageOf(i, i % 4 === 0 ? [] : [boxOf(0)], { group: `g${i % 20}` }),
    );
    const splits = splitsOf(images);
    if (!Array.isArray(splits)) throw new Error('refused');
    for (let i = 0; i < 20; i++) expect(new Set([splits[i], splits[i + 20], splits[i + 40]]).size).toBe(1);
    expect(splits.filter((split, i) => split === 'train' && i % 4 === 0).length).toBeGreaterThan(0);
  });

  it('keep those of the source, and say why images cannot be split', () => {
    const given = Array.from({ length: 10 }, (_, i) => imageOf(i, [boxOf(0)], { split: i < 7 ? 'train' : 'test' }));
    const splits = splitsOf(given);
    if (!Array.isArray(splits)) throw new Error('refused');
    expect(splits.slice(7)).toEqual(['test', 'test', 'test']);
    expect(splits.filter((split) => split === 'validation').length).toBe(1);
    expect(splitsOf(given.slice(7))).toHaveProperty('message');
  });
});

describe('sizes of networks for boxes', () => {
  const withSides = (...sides: readonly number[]): BoxImage[] =>
    sides.map((side, i) => imageOf(i, [boxOf(0, side)], { width: 640, height: 480 }));

  it('are as large as small boxes need, with the proportions of the images', () => {
    const sizes = networkSizes(withSides(...Array.from({ length: 10 }, () => 20)));
    // 20 pixels of 640 are 6 of 192.
    expect(adviseSize(sizes)).toMatchObject({ width: 192, height: 144, under6: 0, stride: 4 });
    expect(sizes[0]).toMatchObject({ width: 96, height: 80, under6: 1, under16: 0, worst: 1 });
    expect(sizes.at(-1)).toMatchObject({ width: 640, height: 480, under6: 0 });
  });

  it('are small, and strides coarse, where boxes are large', () => {
    expect(adviseSize(networkSizes(withSides(300, 320, 350)))).toMatchObject({ width: 96, stride: 16 });
    expect(adviseSize(networkSizes(withSides(150, 160, 160)))).toMatchObject({ width: 96, stride: 8 });
  });

  it('look at each class, and not at ignored boxes', () => {
    const often = Array.from({ length: 9 }, (_, i) => imageOf(i, [boxOf(0, 200)], { width: 640, height: 480 }));
    const rare = imageOf(9, [boxOf(1, 20)], { width: 640, height: 480 });
    const ignored = { ...rare, boxes: rare.boxes.map((box) => ({ ...box, ignored: true })) };
    expect(adviseSize(networkSizes([...often, rare]))?.width).toBe(192);
    expect(adviseSize(networkSizes([...often, ignored]))?.width).toBe(96);
    expect(adviseSize(networkSizes([imageOf(0, [])]))).toBe(null);
  });
});
