import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Random } from '../../base/random.js';
import type { DataConfig } from '../../trainers/index.js';
import { type Dataset, type DatasetRef, openDataset } from '../../trainers/index.js';
import { onTestFinished } from 'vitest';

export interface TinyDatasetOptions {
  readonly seed?: number;
  /** Images per class in the training files (including validation) and in the test files. */
  readonly train?: number;
  readonly test?: number;
  /** Height and width in pixels. */
  readonly size?: number;
  /** Standard deviation of the pixel noise; pixels range from 0 to 255. */
  readonly noise?: number;
  readonly gzip?: boolean;
}

const classes = 10;

/**
 * One image of a class: a horizontal bar at a height for class mod 5, solid for classes 0-4 and dashed for 5-9. Flips and
 * shifts by a few pixels keep the class, so augmentation works.
 */
function draw(label: number, size: number, noise: number, random: Random): Uint8Array {
  const spacing = size / 5;
  const thickness = Math.max(1, Math.round(spacing * 0.5));
  const top = Math.floor((label % 5) * spacing) + random.int(Math.max(1, Math.round(spacing - thickness)));
  const dash = Math.max(1, Math.round(size / 10));
  const phase = random.int(2 * dash);
  const brightness = 170 + random.int(60);
  const pixels = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const bar = y >= top && y < top + thickness && (label < 5 || Math.floor((x + phase) / dash) % 2 === 0);
      pixels[y * size + x] = Math.min(255, Math.max(0, (bar ? brightness : 20) + Math.round(noise * random.normal())));
    }
  }
  return pixels;
}

/** The bytes of an IDX file: magic (unsigned bytes, number of axes), big-endian extents, then the values. */
export function idxFile(shape: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length, 0);
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([header, values]);
}

/** Files that were drawn before in this process: many tests have the same images. */
const known = new Map<string, ReadonlyMap<string, Buffer>>();

function filesOf(options: TinyDatasetOptions): ReadonlyMap<string, Buffer> {
  const key = JSON.stringify(options);
  const before = known.get(key);
  if (before !== undefined) return before;
  const { seed = 0, train = 40, test = 10, size = 28, noise = 20, gzip = false } = options;
  const files = new Map<string, Buffer>();
  const add = (name: string, bytes: Buffer): unknown =>
    gzip ? files.set(`${name}.gz`, gzipSync(bytes, { level: 1 })) : files.set(name, bytes);
  for (const [part, perClass] of [
    ['train', train],
    ['t10k', test],
  ] as const) {
    const random = new Random(seed, 'tiny', part);
    const labels = random.shuffle(Uint8Array.from({ length: classes * perClass }, (_, i) => i % classes));
    const images = Buffer.concat(Array.from(labels, (label) => draw(label, size, noise, random)));
    add(`${part}-images-idx3-ubyte`, idxFile([labels.length, size, size], images));
    add(`${part}-labels-idx1-ubyte`, idxFile([labels.length], labels));
  }
  known.set(key, files);
  return files;
}

/**
 * Writes a small data set that a tiny network learns in seconds: four IDX files in Fashion-MNIST's layout, ten classes, by
 * default with 40 training and 10 test images each. Deterministic. @returns its `data:` config.
 */
export function makeTinyDataset(
  directory: string,
  options: TinyDatasetOptions = {},
): Extract<DataConfig, { readonly type: 'fashion-mnist' }> {
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of filesOf(options)) writeFileSync(join(directory, name), bytes);
  return { type: 'fashion-mnist', path: directory, validation: 0.2, subset: 1 };
}

/** An open data set, which is closed after the test. */
export function openedDataset(ref: DatasetRef): Dataset {
  const dataset = openDataset(ref);
  onTestFinished(() => dataset.close());
  return dataset;
}
