import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NasError, invalidInput, messageOf } from '../../base/errors.js';
import { readFully, writeFully } from '../../base/files.js';
import { product } from '../../base/statistics.js';
import { differenceHash } from './near-duplicates.js';
import { boxRow, boxTable, valuesOfBox, type BoxTable } from './box-table.js';
import type { ImageBlock, PixelSource } from './sources/source.js';
import { assignedCode, noGroup, type ImageTable } from './split-images.js';

/** Increased when the layout below or the decoding of a source changes; older caches are then converted again. */
export const cacheFormat = 2;

/**
 * The files of a converted data set: raw little-endian arrays and `meta.json`. All processes read rows of the one
 * `images` file; the operating system keeps its pages in memory once.
 */
const fileNames = {
  /** uint8 [count, height, width, channels] */
  images: 'images.u8',
  /** uint16 [count] */
  labels: 'labels.u16',
  /** float64 [count]: the first 52 bits of each image's SHA-256 */
  keys: 'keys.f64',
  /** uint8 [count]: the split that the source assigns (`assignedCode`) */
  assigned: 'assigned.u8',
  /** float32 [count, outputs], only for tasks other than classification */
  targets: 'targets.f32',
  /** uint32 [count], only where images have groups */
  groups: 'groups.u32',
  /** uint8 [count, height, width], only for segmentation: the class of each pixel, or `ignoredPixel` */
  masks: 'masks.u8',
  /** float32 [boxes, 7], for detection, and empty for segmentation: image, left, top, right, bottom in pixels of the image file, class, `boxKinds` */
  boxes: 'boxes.f32',
  /** float32 [count, 2], only for detection and segmentation: width and height of the image files */
  extents: 'extents.f32',
  /** float64 [count, channels, 2]: sums of pixel values and of their squares, for the mean and deviation of any split */
  sums: 'sums.f64',
  meta: 'meta.json',
} as const;

const metaSchema = z.strictObject({
  format: z.literal(cacheFormat),
  name: z.string(),
  classes: z.array(z.string()),
  height: z.number().int(),
  width: z.number().int(),
  channels: z.number().int(),
  count: z.number().int(),
  /** Absent: classification. */
  task: z.enum(['multi-label', 'regression', 'detection', 'segmentation']).optional(),
  /** Whether images have groups. */
  grouped: z.literal(true).optional(),
  /** SHA-256 of the pixels, labels, assigned splits, groups and targets. */
  hash: z.string(),
  /** SHA-256 of the small files and of sampled blocks of the pixels: detects damage without reading everything. */
  quick: z.string(),
});

export type CacheMeta = z.output<typeof metaSchema>;

/** An open cache; `close` when done. */
export interface ImageCache {
  readonly meta: CacheMeta;
  readonly table: ImageTable;
  /** [count, outputs]; null for classification. */
  readonly targets: Float32Array | null;
  /** Null where images fill their whole rendering; without boxes for segmentation. */
  readonly boxes: BoxTable | null;
  readonly sums: Float64Array;
  /** Descriptor of the pixels' file. */
  readonly images: number;
  /** Descriptor of the masks' file; null for other tasks than segmentation. */
  readonly masks: number | null;
  close(): void;
}

/** The quick hash covers this many evenly spaced blocks of the pixels, first and last included. */
const samples = 32;
const sampleBytes = 4096;

function quickHash(large: readonly number[], small: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const bytes of small) hash.update(bytes);
  for (const file of large) {
    const { size } = fstatSync(file);
    const block = Buffer.alloc(Math.min(sampleBytes, size));
    for (let i = 0; i < samples; i++) {
      readSync(file, block, 0, block.length, Math.floor(((size - block.length) * i) / (samples - 1)));
      hash.update(block);
    }
  }
  return hash.digest('hex');
}

/** Whether images lie somewhere in their renderings: their boxes or masks do, too. */
const isPlaced = (task: CacheMeta['task'] | 'classification'): boolean =>
  task === 'detection' || task === 'segmentation';

const bytesOf = (array: Uint16Array | Uint32Array | Float32Array | Float64Array | Uint8Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Reads a file of the expected size into an aligned buffer. */
function readExactly(file: string, bytes: number): ArrayBuffer {
  const content = readFileSync(file);
  if (content.byteLength !== bytes) throw new Error(`${file} has ${content.byteLength} bytes instead of ${bytes}`);
  return new Uint8Array(content).buffer;
}

function readBoxTable(directory: string, count: number): BoxTable {
  const file = join(directory, fileNames.boxes);
  const boxBytes = valuesOfBox * Float32Array.BYTES_PER_ELEMENT;
  const values = new Float32Array(readExactly(file, Math.floor(statSync(file).size / boxBytes) * boxBytes));
  return boxTable(values, new Float32Array(readExactly(join(directory, fileNames.extents), 8 * count)));
}

/** Opens a cache and checks sizes and quick hash. Throws NasError `invalid-input` when it is missing or damaged. */
export function openCache(directory: string): ImageCache {
  const opened: number[] = [];
  const open = (name: string, bytes: number): number => {
    const file = openSync(join(directory, name), 'r');
    opened.push(file);
    const { size } = fstatSync(file);
    if (size !== bytes) throw new Error(`${name} has ${size} bytes`);
    return file;
  };
  const close = (): void => opened.forEach((file) => closeSync(file));
  try {
    const meta = metaSchema.parse(JSON.parse(readFileSync(join(directory, fileNames.meta), 'utf8')));
    const { count, height, width, channels } = meta;
    const labels = new Uint16Array(readExactly(join(directory, fileNames.labels), 2 * count));
    const keys = new Float64Array(readExactly(join(directory, fileNames.keys), 8 * count));
    const assigned = new Uint8Array(readExactly(join(directory, fileNames.assigned), count));
    const sums = new Float64Array(readExactly(join(directory, fileNames.sums), 16 * count * channels));
    const groups =
      meta.grouped === true ? new Uint32Array(readExactly(join(directory, fileNames.groups), 4 * count)) : null;
    const targets =
      meta.task === undefined
        ? null
        : new Float32Array(readExactly(join(directory, fileNames.targets), 4 * count * meta.classes.length));
    const boxes = isPlaced(meta.task) ? readBoxTable(directory, count) : null;
    const images = open(fileNames.images, count * height * width * channels);
    const masks = meta.task === 'segmentation' ? open(fileNames.masks, count * height * width) : null;
    const tables = [labels, keys, assigned, sums, groups, targets, boxes?.values, boxes?.extents];
    const small = tables.flatMap((column) => column ?? []);
    if (quickHash(opened, small.map(bytesOf)) !== meta.quick) throw new Error('the checksum differs');
    const table = { count, labels, keys, assigned, groups };
    return { meta, table, targets, boxes, sums, images, masks, close };
  } catch (cause) {
    close();
    throw invalidInput(`the converted data set in ${directory} is missing or damaged: ${messageOf(cause)}`, {
      cause,
      hint: 'Run the command again to convert the data set anew.',
    });
  }
}

/** The file of the pixels of a cache. */
export const imagesFile = (directory: string): string => join(directory, fileNames.images);

/** Whether a folder holds an undamaged cache. */
export function isCache(directory: string): boolean {
  try {
    openCache(directory).close();
    return true;
  } catch {
    return false;
  }
}

/** One image of a cache, read without opening the rest. @throws Error when there is no such cache or image */
export function readCachedImage(
  directory: string,
  row: number,
): Pick<CacheMeta, 'height' | 'width' | 'channels'> & {
  readonly pixels: Uint8Array;
} {
  const meta = metaSchema.parse(JSON.parse(readFileSync(join(directory, fileNames.meta), 'utf8')));
  const { height, width, channels, count } = meta;
  if (row >= count) throw new Error(`${directory} has ${count} images`);
  const images = openImages(directory, height * width * channels);
  try {
    return { height, width, channels, pixels: images.read(row) };
  } finally {
    images.close();
  }
}

/** The pixels of a cache that is being made. */
export function openImages(directory: string, bytes: number): { read(row: number): Uint8Array; close(): void } {
  const file = openSync(join(directory, fileNames.images), 'r');
  return {
    read(row) {
      const image = new Uint8Array(bytes);
      readFully(file, image, row * bytes);
      return image;
    },
    close: () => closeSync(file),
  };
}

export interface ConvertOptions {
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** The data of the images besides their pixels, during conversion. */
export class Columns {
  readonly labels: number[] = [];
  readonly keys: number[] = [];
  readonly assigned: number[] = [];
  readonly groups: number[] = [];
  readonly targets: number[] = [];
  readonly sums: number[] = [];
  readonly boxes: number[] = [];
  readonly extents: number[] = [];
  /** Two words for each image: `differenceHash`. */
  readonly looks: number[] = [];
  private readonly bytesPerImage: number;

  constructor(private readonly shape: readonly [height: number, width: number, channels: number]) {
    this.bytesPerImage = product(shape);
  }

  add({ pixels, labels, split, groups, targets = [], boxed = [] }: ImageBlock): void {
    const code = assignedCode(split);
    const [, , channels] = this.shape;
    for (let i = 0; i < targets.length; i++) this.targets.push(targets[i]);
    for (const [i, { width, height, boxes }] of boxed.entries()) {
      this.extents.push(width, height);
      this.boxes.push(...boxes.flatMap((box) => boxRow(this.labels.length + i, box)));
    }
    for (let i = 0; i < labels.length; i++) {
      const image = pixels.subarray(i * this.bytesPerImage, (i + 1) * this.bytesPerImage);
      this.labels.push(labels[i]);
      this.keys.push(Number.parseInt(createHash('sha256').update(image).digest('hex').slice(0, 13), 16));
      this.assigned.push(code);
      this.groups.push(groups?.[i] ?? noGroup);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let squares = 0;
        for (let p = c; p < image.length; p += channels) {
          const value = image[p];
          sum += value;
          squares += value * value;
        }
        this.sums.push(sum, squares);
      }
      this.looks.push(...differenceHash(image, this.shape));
    }
  }
}

/** Converts all images of a source into the files of a cache, in an existing folder. */
export async function writeCache(
  directory: string,
  source: PixelSource,
  options: ConvertOptions = {},
): Promise<Columns> {
  const { name, task, classes, height, width, channels } = source;
  const columns = new Columns([height, width, channels]);
  const hash = createHash('sha256');
  const images = openSync(join(directory, fileNames.images), 'w+');
  const masks = task === 'segmentation' ? openSync(join(directory, fileNames.masks), 'w+') : null;
  const large = masks === null ? [images] : [images, masks];
  try {
    options.onProgress?.(0, source.count);
    for await (const block of source.read(options.signal)) {
      if (options.signal?.aborted === true) throw new NasError('interrupted', 'the conversion of the data was stopped');
      columns.add(block);
      hash.update(block.pixels);
      writeFully(images, block.pixels);
      if (masks !== null && block.masks !== undefined) {
        hash.update(block.masks);
        writeFully(masks, block.masks);
      }
      options.onProgress?.(columns.labels.length, source.count);
    }
    const small = {
      labels: Uint16Array.from(columns.labels),
      keys: Float64Array.from(columns.keys),
      assigned: Uint8Array.from(columns.assigned),
      sums: Float64Array.from(columns.sums),
    };
    const grouped = columns.groups.some((group) => group !== noGroup);
    const groups = grouped ? [Uint32Array.from(columns.groups)] : [];
    for (const column of ['labels', 'keys', 'assigned', 'sums'] as const)
      writeFileSync(join(directory, fileNames[column]), small[column]);
    for (const ids of groups) writeFileSync(join(directory, fileNames.groups), ids);
    const targets = task === undefined ? [] : [Float32Array.from(columns.targets)];
    for (const values of targets) writeFileSync(join(directory, fileNames.targets), values);
    const boxes = isPlaced(task) ? [Float32Array.from(columns.boxes), Float32Array.from(columns.extents)] : [];
    for (const [i, values] of boxes.entries())
      writeFileSync(join(directory, [fileNames.boxes, fileNames.extents][i]), values);
    const further = [...groups, ...targets, ...boxes].map(bytesOf);
    for (const file of large) fsyncSync(file);
    const meta: CacheMeta = {
      format: cacheFormat,
      name,
      classes: [...classes],
      height,
      width,
      channels,
      count: columns.labels.length,
      ...(task !== undefined && task !== 'classification' && { task }),
      ...(grouped && { grouped }),
      hash: [bytesOf(small.labels), small.assigned, ...further]
        .reduce((all, bytes) => all.update(bytes), hash)
        .digest('hex'),
      quick: quickHash(large, [...Object.values(small).map(bytesOf), ...further]),
    };
    writeFileSync(join(directory, fileNames.meta), JSON.stringify(meta));
    return columns;
  } finally {
    for (const file of large) closeSync(file);
  }
}
