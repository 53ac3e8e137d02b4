import { readFully } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { openCache, type ImageCache } from './cache.js';
import type { SplitName } from './sources/index.js';
import { splitImages, type SplitShares } from './splits.js';

/** A converted data set as a plain value that can be sent to other processes; `openDataset` opens it. */
export interface DatasetRef extends SplitShares {
  /** Folder of the cache. Configs that differ only in their shares have the same one. */
  readonly directory: string;
}

/** What a data set is, without its images. */
export interface DatasetInfo {
  readonly name: string;
  /** Class names in label order. */
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of images in each split. */
  readonly counts: Readonly<Record<SplitName, number>>;
  /** Mean and standard deviation per channel of pixel / 255 over the train split. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Changes with any image, label or the membership of a split. */
  readonly hash: string;
}

/** The images of one split; a position is an index into it, from 0 to `count` - 1. */
export interface Split {
  readonly count: number;
  /** [count], class of each position. */
  readonly labels: Uint16Array;
  /** Copies the images at `positions` into `into`: uint8 [positions, height, width, channels]. */
  read(positions: ArrayLike<number>, into: Uint8Array): void;
}

/** An open data set as plain data, for the threads of this process: they read the file that is open already. */
export interface SharedDataset {
  readonly info: DatasetInfo;
  /** Descriptor of the pixels' file. */
  readonly images: number;
  /** For each position, the place of the image in the file, and its class. */
  readonly splits: Readonly<Record<SplitName, { readonly indices: Uint32Array; readonly labels: Uint16Array }>>;
}

/** An open data set; `close` when done. */
export interface Dataset {
  readonly info: DatasetInfo;
  readonly shared: SharedDataset;
  split(name: SplitName): Split;
  close(): void;
}

/** Opens what `prepareDataset` made. Throws NasError `invalid-input` when it is missing or damaged. */
export function openDataset({ directory, test, validation, subset }: DatasetRef): Dataset {
  const cache = openCache(directory);
  try {
    const { meta, table, images } = cache;
    const shares = { test, validation, subset };
    const indices = splitImages(table, meta.classes, shares);
    const { name, classes, height, width, channels } = meta;
    const info: DatasetInfo = {
      name,
      classes,
      height,
      width,
      channels,
      counts: { train: indices.train.length, validation: indices.validation.length, test: indices.test.length },
      ...pixelStatistics(cache, indices.train),
      hash: contentHash(meta.hash, height, width, channels, classes, shares),
    };
    const part = (own: Uint32Array) => ({ indices: own, labels: Uint16Array.from(own, (i) => table.labels[i]) });
    const splits = { train: part(indices.train), validation: part(indices.validation), test: part(indices.test) };
    const shared = { info, images, splits };
    return { info, shared, split: (which) => splitOf(shared, which), close: () => cache.close() };
  } catch (error) {
    cache.close();
    throw error;
  }
}

/** What a data set is, without keeping it open. */
export function describeDataset(ref: DatasetRef): DatasetInfo {
  const dataset = openDataset(ref);
  dataset.close();
  return dataset.info;
}

/** Opens a data set, once for all that a task does with it, and closes it. */
export async function withDataset<T>(ref: DatasetRef, task: (dataset: Dataset) => Promise<T>): Promise<T> {
  const dataset = openDataset(ref);
  try {
    return await task(dataset);
  } finally {
    dataset.close();
  }
}

/** The images of one split, wherever in this process the data set was opened. */
export function splitOf({ info, images, splits }: SharedDataset, name: SplitName): Split {
  const { indices, labels } = splits[name];
  const bytes = info.height * info.width * info.channels;
  const at = (positions: ArrayLike<number>, i: number): number => {
    const position = positions[i];
    if (!(position >= 0 && position < indices.length)) {
      throw new RangeError(`position ${position} in a split of ${indices.length} images`);
    }
    return indices[position];
  };
  return {
    count: indices.length,
    labels,
    read(positions, into) {
      for (let start = 0, end = 0; start < positions.length; start = end) {
        // Neighbours in the file are read together.
        const first = at(positions, start);
        end = start + 1;
        while (end < positions.length && at(positions, end) === first + end - start) end++;
        readFully(images, into.subarray(start * bytes, end * bytes), first * bytes);
      }
    },
  };
}

function pixelStatistics(
  { meta, sums }: ImageCache,
  indices: Uint32Array,
): { readonly mean: readonly number[]; readonly std: readonly number[] } {
  const pixels = indices.length * meta.height * meta.width;
  const perChannel = Array.from({ length: meta.channels }, (_, c) => {
    let sum = 0;
    let squares = 0;
    for (const index of indices) {
      sum += sums[2 * (index * meta.channels + c)];
      squares += sums[2 * (index * meta.channels + c) + 1];
    }
    const mean = sum / pixels;
    return { mean: mean / 255, std: Math.sqrt(Math.max(0, squares / pixels - mean * mean)) / 255 };
  });
  return { mean: perChannel.map(({ mean }) => mean), std: perChannel.map(({ std }) => std) };
}
