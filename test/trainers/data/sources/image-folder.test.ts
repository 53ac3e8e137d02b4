import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { openImageFolder } from '../../../../trainers/data/sources/image-folder.js';
import { factsOf } from '../../../../compiler/index.js';
import { openBatches } from '../../../../trainers/data/batches.js';
import { renderingIdentity } from '../../../../trainers/data/decode.js';
import { defaultDecoding, type Rendering } from '../../../../base/preprocess.js';
import { dataSchema, renderingOf, prepareDataset, type DataConfig } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { written } from '../boxes/files.js';
import { floatTiff } from '../float-tiff.js';
import { openedDataset } from '../../../support/tiny-dataset.js';

type Colour = readonly [number, number, number];
const red: Colour = [200, 10, 20];
const green: Colour = [10, 180, 40];

async function writeImage(file: string, [r, g, b]: Colour, width = 12, height = 12): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  await sharp({ create: { width, height, channels: 3, background: { r, g, b } } }).toFile(file);
}

async function writeClasses(folder: string, classes: Readonly<Record<string, Colour>>, count: number): Promise<void> {
  for (const [name, [r, g, b]] of Object.entries(classes)) {
    for (let i = 0; i < count; i++) await writeImage(join(folder, name, `${i}.png`), [r, g, b + i]);
  }
}

/** A folder of two classes whose first image is given. */
const folderOf = (image: Sharp | Buffer): Promise<string> =>
  written({
    'a/0.tiff': () => (Buffer.isBuffer(image) ? Promise.resolve(image) : image.png().toBuffer()),
    'b/0.png': null,
  });

const config = (path: string): DataConfig =>
  dataSchema.parse({ type: 'image-folder', path, size: 12, test: 0.2, validation: 0.25 });

async function firstRendering(folder: string, rendering: Rendering): Promise<Uint8Array> {
  const { listing, decode } = await openImageFolder(folder, { rendering });
  const { file } = listing.items[0];
  return decode(readFileSync(join(folder, file.path)), file);
}

async function firstImage(folder: string, size: number, channels: 1 | 3): Promise<number[]> {
  return [...(await firstRendering(folder, { ...defaultDecoding, size: [size, size], channels }))];
}

describe('image folders', () => {
  it('with a channel that is constant have a deviation that every reader of exported files takes', async () => {
    const folder = temporaryFolder();
    for (const [name, red] of Object.entries({ dark: 20, light: 200 }))
      for (let i = 0; i < 10; i++) await writeImage(join(folder, name, `${i}.png`), [red + i, 40, 0]);
    const dataset = openedDataset(await prepareDataset(config(folder), { cache: temporaryFolder() }));
    const { mean, std } = dataset.info;
    expect(std.slice(1)).toEqual([1 / 255, 1 / 255]);
    expect(factsOf({ mean, std })).toEqual({ mean, std });
    const { images } = openBatches({ dataset, split: 'train', batch: 4 }).batch(0, 0);
    expect(images.filter((_, i) => i % 3 > 0).every((x) => Math.abs(x) < 1e-6)).toBe(true);
  });

  it('of class folders get a split of their own, with sorted classes', async () => {
    const folder = temporaryFolder();
    await writeClasses(folder, { zebra: red, 'a cat': green, train: [0, 0, 90] }, 10);
    writeFileSync(join(folder, 'zebra', 'Thumbs.db'), 'not an image');
    writeFileSync(join(folder, 'README.md'), 'about');
    const dataset = openedDataset(await prepareDataset(config(folder), { cache: temporaryFolder() }));
    expect(dataset.info.classes).toEqual(['a cat', 'train', 'zebra']);
    expect(dataset.info.counts).toEqual({ train: 18, validation: 6, test: 6 });
    const image = new Uint8Array(12 * 12 * 3);
    const test = dataset.split('test');
    for (let i = 0; i < test.count; i++) {
      test.read([i], image);
      const [r, g] = [green, [0, 0], red][test.labels[i]];
      expect([image[0], image[1]]).toEqual([r, g]);
    }
  });

  it.each([
    [['train', 'test'], { train: 6, validation: 2, test: 8 }],
    [['train', 'val'], { train: 6, validation: 2, test: 8 }],
    [['train', 'val', 'test'], { train: 8, validation: 8, test: 8 }],
    [['train'], { train: 4, validation: 2, test: 2 }],
  ])('with %s keep those parts', async (parts, counts) => {
    const folder = temporaryFolder();
    for (const [i, part] of parts.entries())
      await writeClasses(join(folder, part), { a: [60 * i, 0, 0], b: [60 * i, 99, 0] }, 4);
    const dataset = openedDataset(await prepareDataset(config(folder), { cache: temporaryFolder() }));
    expect(dataset.info.counts).toEqual(counts);
    const image = new Uint8Array(12 * 12 * 3);
    dataset.split('train').read([0], image);
    expect(image[0]).toBe(0);
    dataset.split('test').read([0], image);
    expect(image[0]).toBe(60 * (parts.length - 1));
  });

  it('have images resized to cover the square', async () => {
    // Green in the middle, red left and right: a square crop shows green only.
    const middle = await sharp({ create: { width: 10, height: 10, channels: 3, background: '#00ff00' } })
      .png()
      .toBuffer();
    const image = sharp({ create: { width: 40, height: 10, channels: 3, background: '#ff0000' } });
    const pixels = await firstImage(await folderOf(image.composite([{ input: middle }])), 8, 3);
    expect(pixels).toHaveLength(8 * 8 * 3);
    const centre = (4 * 8 + 4) * 3;
    expect(pixels.slice(centre, centre + 3)).toEqual([0, 255, 0]);
  });

  it('are rendered as the configuration says', async () => {
    // Red at the left, green at the right, and lying on its side.
    const halves = Buffer.concat(
      Array.from({ length: 20 * 40 }, (_, i) => Buffer.from(i % 40 < 20 ? [255, 0, 0] : [0, 255, 0])),
    );
    const folder = await folderOf(
      sharp(halves, { raw: { width: 40, height: 20, channels: 3 } }).withMetadata({ orientation: 6 }),
    );
    const first = async (keys: object): Promise<(y: number, x: number) => number[]> => {
      const config = dataSchema.parse({ type: 'image-folder', path: folder, size: [16, 12], ...keys });
      const pixels = await firstRendering(folder, renderingOf(config));
      return (y, x) => [...pixels.subarray(3 * (12 * y + x), 3 * (12 * y + x) + 3)];
    };
    const [redPixel, greenPixel, blue] = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ];
    // Turned upright it has 40 rows of 20, of which 27 rows fill the size.
    const cover = await first({});
    expect([cover(1, 1), cover(14, 10)]).toEqual([redPixel, greenPixel]);
    const contain = await first({ fit: 'contain', background: '#0000ff' });
    expect([contain(1, 6), contain(14, 6), contain(8, 0), contain(8, 11)]).toEqual([redPixel, greenPixel, blue, blue]);
    const stretched = await first({ fit: 'stretch', size: [10, 12] });
    expect([stretched(1, 1), stretched(8, 10)]).toEqual([redPixel, greenPixel]);
  });

  it('keep the caches of configurations that only choose a side and channels', () => {
    const identity = (keys: object) =>
      renderingIdentity(renderingOf(dataSchema.parse({ type: 'image-folder', path: 'x', size: 48, ...keys })));
    expect(identity({})).toEqual([48, 3]);
    expect(identity({ fit: 'cover', size: [48, 48] })).toEqual([48, 3]);
    expect(identity({ size: [48, 64] })).toEqual([[48, 64], 3]);
    expect(identity({ fit: 'stretch' })).toEqual([48, 3, { ...defaultDecoding, fit: 'stretch' }]);
  });

  it('refuse images of floating-point numbers, which would decode to zeros', async () => {
    await expect(firstImage(await folderOf(floatTiff(2, 0.5)), 8, 3)).rejects.toThrow('samples of type float');
  });

  it.each<[string, Buffer, 1 | 2 | 3 | 4, 1 | 3, number[]]>([
    ['grayscale to three channels', Buffer.from([70]), 1, 3, [70, 70, 70]],
    ['grayscale kept', Buffer.from([70]), 1, 1, [70]],
    ['transparency over white', Buffer.from([1, 2, 3, 0]), 4, 3, [255, 255, 255]],
    ['opaque colours with alpha', Buffer.from([1, 2, 3, 255]), 4, 3, [1, 2, 3]],
    ['transparent gray', Buffer.from([9, 0]), 2, 1, [255]],
    ['white to one channel', Buffer.from([255, 255, 255]), 3, 1, [255]],
  ])('decode %s', async (_, pixel, channels, wanted, expected) => {
    const image = sharp(Buffer.concat(new Array<Buffer>(64).fill(pixel)), { raw: { width: 8, height: 8, channels } });
    expect((await firstImage(await folderOf(image), 8, wanted)).slice(0, wanted)).toEqual(expected);
  });

  it('decode 16 bits and turn photographs upright', async () => {
    const image = sharp(Buffer.from([255, 255, 255, 0, 0, 0]), { raw: { width: 2, height: 1, channels: 3 } })
      .resize(16, 16, { kernel: 'nearest' })
      .toColourspace('rgb16')
      .withMetadata({ orientation: 3 }); // upside down
    const pixels = await firstImage(await folderOf(image), 16, 3);
    expect(pixels.slice(0, 3)).toEqual([0, 0, 0]);
    expect(pixels.slice(45, 48)).toEqual([255, 255, 255]);
  });

  it('name the file that cannot be read', async () => {
    const folder = temporaryFolder();
    await writeClasses(folder, { a: red, b: green }, 5);
    const bad = join(folder, 'b', '3.png');
    writeFileSync(bad, 'this is no PNG file');
    await expect(prepareDataset(config(folder), { cache: temporaryFolder() })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/1 of 10 images cannot be used \(1 text or HTML\):\n {2}b\/3.png: text/) as string,
    });
  });

  it.each<[string, (folder: string) => Promise<void> | void, string]>([
    [
      'a class only in the test part',
      async (folder) => {
        await writeClasses(join(folder, 'train'), { cat: red, dog: green }, 3);
        await writeClasses(join(folder, 'test'), { cat: red, dog: green, owl: red }, 3);
      },
      'owl is not one of the training classes (cat, dog)',
    ],
    [
      'a class missing in the test part',
      async (folder) => {
        await writeClasses(join(folder, 'train'), { cat: red, dog: green }, 3);
        await writeClasses(join(folder, 'test'), { cat: red }, 3);
      },
      'dog has no images',
    ],
    ['too few images', (folder) => writeClasses(folder, { cat: red, dog: green }, 2), 'class cat has 2 images'],
  ])('with %s are refused', async (_, make, message) => {
    const folder = temporaryFolder();
    await make(folder);
    const preparing = prepareDataset(config(folder), { cache: temporaryFolder() });
    await expect(preparing).rejects.toThrow(message);
    await expect(preparing).rejects.toMatchObject({ code: 'invalid-input' });
  });
});
