import { groupBy } from '../../base/group.js';

/** Columns and rows of the grid that an image is averaged to. */
const [columns, rows] = [9, 8];
/** Differences of grey levels below this are noise of compression. */
const noise = 2;

/**
 * Difference hash of an image, 64 bits in two words: whether each cell of a 9 x 8 grid is brighter than its right neighbour.
 * @param image bytes [height, width, channels]
 */
export function differenceHash(
  image: Uint8Array,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
): [number, number] {
  const grey = averages(image, [height, width, channels], rows, columns);
  const words: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const cell = Math.floor(bit / 8) * columns + (bit % 8);
    if (grey[cell] > grey[cell + 1] + noise) words[bit >> 5] |= 1 << (bit & 31);
  }
  return [words[0] >>> 0, words[1] >>> 0];
}

/** Mean of all channels in the cells of a grid: [down, across]. Images smaller than the grid repeat their pixels. */
export function averages(
  image: Uint8Array,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
  down: number,
  across: number,
): Float64Array {
  const result = new Float64Array(down * across);
  const edge = (i: number, size: number, cells: number): number => Math.floor((i * size) / cells);
  for (let r = 0; r < down; r++) {
    const top = edge(r, height, down);
    const bottom = Math.max(top + 1, edge(r + 1, height, down));
    for (let c = 0; c < across; c++) {
      const left = edge(c, width, across) * channels;
      const right = Math.max(left + channels, edge(c + 1, width, across) * channels);
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        const row = y * width * channels;
        for (let p = row + left; p < row + right; p++) sum += image[p];
      }
      result[r * across + c] = sum / ((bottom - top) * (right - left));
    }
  }
  return result;
}

/** Two images, by index, the first one first. */
export type Pair = readonly [number, number];

export interface Duplicates {
  /** Images with the same pixels in the size of the data set, each with the first of them. */
  readonly exact: readonly Pair[];
  /** Images that look the same: other sizes, compressions or small changes of one picture. */
  readonly near: readonly Pair[];
}

/** Bits that may differ: one less than the bands, so that one band of each such pair is equal. */
const maxDistance = 3;
const bands = maxDistance + 1;
/** Larger buckets hold images that are plain rather than alike, such as drawings on white. */
const largestBucket = 400;

/**
 * Finds images that occur more than once.
 * @param keys of the pixels: equal for equal images
 * @param looks two words for each image: `differenceHash`
 * @param isAlike compares the pixels of two images whose hashes differ little
 */
export function findDuplicates(
  keys: ArrayLike<number>,
  looks: ArrayLike<number>,
  isAlike: (a: number, b: number) => boolean,
): Duplicates {
  const first = new Map<number, number>();
  const exact: Pair[] = [];
  for (let i = 0; i < keys.length; i++) {
    const original = first.get(keys[i]);
    if (original === undefined) first.set(keys[i], i);
    else exact.push([original, i]);
  }
  const unique = [...first.values()];
  const near: Pair[] = [];
  const seen = new Set<number>();
  for (let band = 0; band < bands; band++) {
    const buckets = groupBy(unique, (i) => (looks[2 * i + (band >> 1)] >>> (16 * (band & 1))) & 0xffff);
    for (const bucket of buckets.values()) {
      if (bucket.length > largestBucket) continue;
      for (const [at, a] of bucket.entries())
        for (const b of bucket.slice(at + 1)) {
          if (distance(looks, a, b) > maxDistance || seen.has(a * keys.length + b)) continue;
          seen.add(a * keys.length + b);
          if (isAlike(a, b)) near.push([a, b]);
        }
    }
  }
  return { exact, near: near.sort(([a, b], [c, d]) => a - c || b - d) };
}

const distance = (looks: ArrayLike<number>, a: number, b: number): number =>
  bitCount(looks[2 * a] ^ looks[2 * b]) + bitCount(looks[2 * a + 1] ^ looks[2 * b + 1]);

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Side of the grid that candidates are compared on. */
const side = 16;
/** Mean difference of the channels, without the difference in brightness, of two copies of a picture. */
const alike = 5;

/** A small version of an image, for `looksAlike`: one channel after the other. */
const thumbnail = (
  image: Uint8Array,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
): Uint8Array =>
  Uint8Array.from(
    Array.from({ length: channels }, (_, channel) => {
      const plane = Uint8Array.from({ length: height * width }, (_, pixel) => image[pixel * channels + channel]);
      return [...averages(plane, [height, width, 1], side, side)];
    }).flat(),
    Math.round,
  );

const mean = (values: ArrayLike<number>, of: (value: number, i: number) => number = (value) => value): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += of(values[i], i);
  return sum / values.length;
};

/** Whether two images, by index, are copies of one picture, up to compression and brightness. */
export function likeness(
  read: (index: number) => Uint8Array,
  shape: readonly [height: number, width: number, channels: number],
): (a: number, b: number) => boolean {
  const thumbnails = new Map<number, Uint8Array>();
  const thumbnailOf = (index: number): Uint8Array => {
    const made = thumbnails.get(index) ?? thumbnail(read(index), shape);
    thumbnails.set(index, made);
    return made;
  };
  return (a, b) => looksAlike(thumbnailOf(a), thumbnailOf(b));
}

function looksAlike(first: Uint8Array, second: Uint8Array): boolean {
  const shift = mean(first) - mean(second);
  const difference = mean(first, (value, i) => Math.abs(value - shift - second[i]));
  const cells = side * side;
  const centres = Array.from({ length: first.length / cells }, (_, c) =>
    mean(first.subarray(c * cells, (c + 1) * cells)),
  );
  // Plain images differ little from each other.
  return difference < Math.min(alike, mean(first, (value, i) => Math.abs(value - centres[Math.floor(i / cells)])) / 5);
}
