import sharp from 'sharp';
import { expect, it } from 'vitest';
import { kindMarks, type SeenImage } from '../../../base/seen-boxes.js';
import { drawBoxes, boxesPicture } from '../../../experiments/data/box-picture.js';
import { seenSheet } from '../../../experiments/data/seen-sheet.js';
import { scoreBoxes } from '../../../base/box-scores.js';
import { writeBoxCache } from '../../support/box-cache.js';
import { temporaryFolder } from '../../support/temporary.js';

const grey = { create: { width: 100, height: 50, channels: 3, background: '#808080' } } as const;
const mark = { left: 20, top: 10, right: 60, bottom: 40, line: 3 };

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Whether a colour is found within some pixels of a place. */
  readonly has: (colour: string, x: number, y: number) => boolean;
}

async function decoded(webp: Buffer): Promise<Picture> {
  const { data, info } = await sharp(webp).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const has: Picture['has'] = (colour, x, y) => {
    const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    for (let dy = -6; dy <= 6; dy++)
      for (let dx = -6; dx <= 6; dx++) {
        const at = ((y + dy) * width + x + dx) * 3;
        if (wanted.every((value, k) => Math.abs(data[at + k] - value) < 60)) return true;
      }
    return false;
  };
  return { width, height, has };
}

it('draws a box where it is, on a picture of the shape of the image or on a square one', async () => {
  const colour = '#ff0000';
  const marks = [{ ...mark, colour, dash: '' }];
  const plain = await decoded(await drawBoxes(sharp(grey), { width: 100, height: 50 }, marks, { side: 200 }));
  expect([plain.width, plain.height]).toEqual([200, 100]);
  // The middles of its left, upper, right and lower line; its centre.
  const places = [
    [40, 50],
    [80, 20],
    [120, 50],
    [80, 80],
    [80, 50],
  ] as const;
  expect(places.map(([x, y]) => plain.has(colour, x, y))).toEqual([true, true, true, true, false]);
  const square = await decoded(
    await drawBoxes(sharp(grey), { width: 100, height: 50 }, marks, { side: 200, square: true }),
  );
  expect([square.width, square.height]).toEqual([200, 200]);
  expect(places.map(([x, y]) => square.has(colour, x, y + 50))).toEqual([true, true, true, true, false]);
});

it('draws colours on grey images', async () => {
  const raw = { width: 20, height: 10, channels: 1 } as const;
  const image = sharp(await sharp(new Uint8Array(200).fill(128), { raw }).png().toBuffer());
  const marks = [{ left: 4, top: 2, right: 12, bottom: 8, line: 3, colour: '#ff0000', dash: '' }];
  const picture = await decoded(await drawBoxes(image, { width: 20, height: 10 }, marks, { side: 200 }));
  expect([picture.has('#ff0000', 40, 50), picture.has('#ff0000', 80, 50)]).toEqual([true, false]);
});

it('kinds differ in their dashes, not only in their colours', () => {
  const dashes = Object.values(kindMarks).map(({ dash }) => dash);
  expect(new Set(dashes).size).toBe(dashes.length);
});

it('draws boxes of the original image on the converted one, without its bars', async () => {
  const directory = temporaryFolder();
  // 100 x 50 in 32 x 32: 16 rows of the image between bars of 8.
  await writeBoxCache(directory, { width: 100, height: 50, size: [32, 32] });
  const image: SeenImage = {
    row: 0,
    width: 100,
    height: 50,
    boxes: [
      { left: 20, top: 10, right: 60, bottom: 40, label: 0, kind: 'missed' },
      { left: 70, top: 10, right: 95, bottom: 40, label: 1, kind: 'wrong', score: 0.7 },
    ],
  };
  const picture = await decoded(await boxesPicture(directory, image, ['cat', '<dog>'], { side: 200 }));
  expect([picture.width, picture.height]).toEqual([200, 100]);
  expect([picture.has(kindMarks.missed.colour, 40, 50), picture.has(kindMarks.wrong.colour, 140, 50)]).toEqual([
    true,
    true,
  ]);
  expect([picture.has('#727272', 8, 8), picture.has('#c80000', 8, 8)]).toEqual([false, true]);
  await expect(boxesPicture(directory, { ...image, row: 9 }, ['cat'], { side: 200 })).rejects.toThrow('has 1 image');
});

it('draws a sheet of an evaluation', async () => {
  const directory = temporaryFolder();
  await writeBoxCache(directory, { width: 100, height: 50, size: [32, 32] });
  const truths = [{ left: 0, top: 0, right: 5, bottom: 5, label: 0, ignored: false }];
  const { details } = scoreBoxes([{ truths, found: [], scale: 3 }], 2, { curves: true });
  const image: SeenImage = { row: 0, path: 'a.png', width: 100, height: 50, boxes: [{ ...truths[0], kind: 'missed' }] };
  const input = { name: 'x', of: 'the test images', classes: ['cat', 'dog'], summary: [], charts: [] };
  await expect(seenSheet({ ...input, details })).rejects.toThrow('kept no images');
  const seen = { directory, worst: [image], sample: [image] };
  const charts = ['<svg xmlns="http://www.w3.org/2000/svg" width="90" height="70"></svg>'];
  const sheet = await seenSheet({ ...input, charts, details: { ...details, seen } });
  expect(sheet.rows.map(({ name, images }) => [name, images.length])).toEqual([
    ['cat', 1],
    ['dog', 0],
  ]);
  expect(sheet.suspicious.map(({ entries }) => entries[0][0].detail)).toEqual(
    Array.from({ length: 2 }, () => '0 right, 1 missed, 0 wrong'),
  );
  expect(sheet.summary.join(' ')).toContain('under 6 px 0.00 % of 1');
});
