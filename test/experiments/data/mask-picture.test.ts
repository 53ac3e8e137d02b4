import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { PixelDetails } from '../../../base/scores.js';
import { maskRuns } from '../../../base/seen-masks.js';
import { maskPicture } from '../../../experiments/data/mask-picture.js';
import { seenSheet } from '../../../experiments/data/seen-sheet.js';
import { writeBoxCache } from '../../support/box-cache.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Quarters of an image: background, right, missed, wrong. */
const quarters = (a: number, b: number, c: number, d: number): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, i) => [a, b, c, d][(i % 8 < 4 ? 0 : 1) + (i < 32 ? 0 : 2)]);
const image = { row: 0, wrong: 0.5, ...maskRuns(quarters(0, 1, 1, 0), quarters(0, 1, 0, 1), [8, 8]) };
const classes = ['background', 'crack'];

async function cached(): Promise<string> {
  const directory = temporaryFolder();
  await writeBoxCache(directory, { width: 64, height: 64, size: [32, 32] });
  return directory;
}

describe('a picture of masks', () => {
  it('covers right, missed and wrong pixels each in its own colour and texture, and no background', async () => {
    const webp = await maskPicture(await cached(), image, classes, { side: 160 });
    const { data, info } = await sharp(webp).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([160, 160]);
    /** Mean and spread of the colours of a quarter. */
    const quarter = (x: number, y: number) => {
      const pixels = Array.from({ length: 60 * 60 }, (_, i) => {
        const at = ((y + Math.floor(i / 60)) * 160 + x + (i % 60)) * 3;
        return [data[at], data[at + 1], data[at + 2]];
      });
      const mean = [0, 1, 2].map((c) => pixels.reduce((sum, pixel) => sum + pixel[c], 0) / pixels.length);
      const spread = Math.sqrt(pixels.reduce((sum, pixel) => sum + (pixel[1] - mean[1]) ** 2, 0) / pixels.length);
      return { mean, spread };
    };
    const [plain, right, missed, wrong] = [quarter(10, 10), quarter(90, 10), quarter(10, 90), quarter(90, 90)];
    expect(right.mean[1]).toBeGreaterThan(plain.mean[1] + 20);
    expect(missed.mean[1]).toBeGreaterThan(wrong.mean[1] + 30);
    expect(right.spread).toBeLessThan(4);
    // Between the quarters, the class in the data changes.
    const isWhite = (x: number, y: number): boolean => data[(y * 160 + x) * 3 + 1] > 200;
    expect([isWhite(80, 40), isWhite(40, 80), isWhite(120, 80), isWhite(80, 120)]).toEqual([true, true, true, true]);
    for (const striped of [missed, wrong]) expect(striped.spread).toBeGreaterThan(8);
  });

  it('has no borders of ignored pixels', async () => {
    const bars = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 2 || i % 8 > 5 ? 255 : 1));
    const barred = { row: 0, wrong: 0, ...maskRuns(bars, new Uint8Array(64).fill(1), [8, 8]) };
    const webp = await maskPicture(await cached(), barred, classes, { side: 160 });
    const { width, height } = await sharp(webp).metadata();
    expect([width, height]).toEqual([80, 160]);
    const nothing = { ...barred, ...maskRuns(new Uint8Array(64).fill(255), bars, [8, 8]) };
    expect((await sharp(await maskPicture(await cached(), nothing, classes, { side: 160 })).metadata()).width).toBe(
      160,
    );
  });

  it('is on the sheet of an evaluation', async () => {
    const score = { pixels: 32, iou: 1 / 3, precision: 0.5, recall: 0.5, errors: { iou: 0.1 } };
    const details: PixelDetails = {
      type: 'segmentation',
      confusion: [
        [16, 16],
        [16, 16],
      ],
      classes: [score, score],
      errors: { score: 0.1, worst_iou: 0.1, pixel_accuracy: 0.1 },
    };
    const input = { name: 'x', of: 'the test images', classes, summary: [], charts: [] };
    await expect(seenSheet({ ...input, details })).rejects.toThrow('kept no images');
    const seen = { directory: await cached(), worst: [{ ...image, path: 'a.png' }], sample: [image] };
    const sheet = await seenSheet({ ...input, details: { ...details, seen } });
    expect(sheet.rows.map(({ name, detail, images }) => [name, detail[1], images.length])).toEqual([
      ['background', 'IoU 33.33 %', 1],
      ['crack', 'IoU 33.33 %', 1],
    ]);
    expect(sheet.suspicious[0].entries[0][0]).toMatchObject({
      path: 'a.png',
      detail: '50.00 % of the pixels wrong, most of them crack taken for background',
    });
  });
});
