import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBatches } from '../../../../trainers/data/batches.js';
import { masksSchema, prepareDataset, type DatasetRef, type MasksConfig } from '../../../../trainers/index.js';
import { makeMaskedImages } from '../../../support/boxed-images.js';
import { sharedFolder } from '../../../support/temporary.js';
import { openedDataset } from '../../../support/tiny-dataset.js';

const folder = sharedFolder();
const cache = join(folder, 'cache');
let config: MasksConfig;
let ref: DatasetRef;
beforeAll(async () => {
  config = await makeMaskedImages(join(folder, 'images'), { count: 40 });
  ref = await prepareDataset(config, { cache });
});

/** Compares a mask with the colours of its image, between which the shapes are clear. */
function wrongPixels(pixels: ArrayLike<number>, mask: Uint8Array): number {
  let wrong = 0;
  for (const [i, label] of mask.entries()) {
    const [red, , blue] = [0, 1, 2].map((c) => pixels[3 * i + c]);
    if (red > blue + 80 && label !== 1) wrong++;
    if (blue > red + 80 && label !== 2) wrong++;
    if (Math.abs(red - blue) < 10 && label !== 0 && label !== 255) wrong++;
  }
  return wrong;
}

describe('a data set of masks', () => {
  it('has the task, the classes and the splits of the data', () => {
    const { info } = openedDataset(ref);
    expect(info).toMatchObject({ task: { type: 'segmentation' }, classes: ['background', 'square', 'disc'] });
    expect(info.counts.train + info.counts.validation + info.counts.test).toBe(40);
    expect(info.counts.validation).toBeGreaterThan(4);
  });

  it('has a mask for each image in its pixels, also in further sizes; bars are ignored', async () => {
    const renderings = [
      { fit: 'contain', background: '#727272', resampling: 'lanczos3', size: [24, 60], channels: 3 },
    ] as const;
    const dataset = openedDataset(await prepareDataset(config, { cache, renderings }));
    for (const [height, width] of [
      [48, 48],
      [24, 60],
    ] as const) {
      const split = dataset.split('train', [height, width]);
      const [pixels, mask] = [new Uint8Array(height * width * 3), new Uint8Array(height * width)];
      let [wrong, shown] = [0, 0];
      for (let position = 0; position < split.count; position++) {
        split.read([position], pixels);
        split.readMasks?.([position], mask);
        expect(mask[0]).toBe(255);
        wrong += wrongPixels(pixels, mask);
        shown += mask.filter((label) => label === 1 || label === 2).length;
      }
      expect(shown).toBeGreaterThan(split.count * 10);
      expect(wrong).toBeLessThan(shown / 20);
    }
  });

  it('hashes the masks, and converts again when one changes', async () => {
    const other = await makeMaskedImages(join(folder, 'other'), { count: 40 });
    const { hash } = openedDataset(await prepareDataset(other, { cache })).info;
    expect(hash).toBe(openedDataset(ref).info.hash);
    const file = join(other.path, 'masks', '0007.png');
    writeFileSync(file, await sharp(readFileSync(file)).flip().toColourspace('b-w').png().toBuffer());
    expect(openedDataset(await prepareDataset(other, { cache })).info.hash).not.toBe(hash);
  });

  it('has other masks where other classes count', async () => {
    const ignoring = masksSchema.parse({ ...config, ignore: ['square'] });
    const split = openedDataset(await prepareDataset(ignoring, { cache })).split('train');
    const mask = new Uint8Array(48 * 48);
    const labels = new Set<number>();
    for (let position = 0; position < split.count; position++) {
      split.readMasks?.([position], mask);
      for (const label of mask) labels.add(label);
    }
    expect(labels).toEqual(new Set([0, 1, 255]));
  });

  it('gives batches with the shares of the classes in each cell, the same for the same seeds', () => {
    const options = {
      dataset: openedDataset(ref),
      split: 'train',
      ...{ batch: 4, seed: 3, shuffle: true, dropLast: true, stride: 4 },
      augment: [{ type: 'window', zoom: 0.3, aspect: 0.1, visible: 0.4 }, { type: 'flip' }],
    } as const;
    const [first, second] = [openBatches(options), openBatches(options)];
    const batch = first.batch(1, 2);
    expect(batch.labels).toHaveLength(4 * 12 * 12 * 3);
    expect(batch.labels).toEqual(second.batch(1, 2).labels);
    const sums = Array.from({ length: 4 * 12 * 12 }, (_, cell) =>
      batch.labels.subarray(3 * cell, 3 * cell + 3).reduce((sum, share) => sum + share, 0),
    );
    expect(sums.every((sum) => sum > -1e-6 && sum < 1 + 1e-6)).toBe(true);
    expect(sums.some((sum) => sum === 0)).toBe(true);
    expect(batch.labels.filter((share, i) => i % 3 > 0 && share > 0.5).length).toBeGreaterThan(10);
  });
});
