import { contentHash } from '../../base/hash.js';
import { openCache, type ImageCache } from './cache.js';
import { splitOf, type DatasetInfo, type SharedDataset, type Split } from './shared-dataset.js';
import type { SplitName } from './sources/index.js';
import { splitImages, type SplitShares } from './splits.js';

/** A converted data set as a plain value that can be sent to other processes; `openDataset` opens it. */
export interface DatasetRef extends SplitShares {
  /** Folder of the cache. Configs that differ only in their shares have the same one. */
  readonly directory: string;
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
