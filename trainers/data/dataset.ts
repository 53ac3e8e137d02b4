import { contentHash } from '../../base/hash.js';
import { classification, type BoxTask, type LearningTask } from '../../base/task.js';
import { invalidInput } from '../../base/errors.js';
import { mean } from '../../base/statistics.js';
import { leastStd } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { type ImageCache, openCache } from './cache.js';
import { foldSplits, partsOf, type Fold } from './folds.js';
import { labelStrata, splitImages } from './split-images.js';
import { openUnlabelled, type OpenUnlabelled, type UnlabelledRef } from './unlabelled.js';
import {
  type DatasetInfo,
  pixelsAt,
  type PixelFile,
  type SharedDataset,
  type Size,
  type Split,
  splitOf,
  type SplitName,
  type SplitShares,
} from './splits.js';

/** The images of a data set in another size. */
export interface RenderingRef {
  readonly size: Size;
  /** Folder of their cache. */
  readonly directory: string;
}

/** A converted data set as plain data for other processes; `openDataset` opens it. */
export interface DatasetRef extends SplitShares {
  /** Folder of the cache. Configurations that differ only in their shares have the same folder. */
  readonly directory: string;
  /** Further renderings of the same images, preferred to the pixels in `directory`, which determine splits and statistics. */
  readonly renderings?: readonly RenderingRef[];
  /** Images without labels; absent: none. */
  readonly unlabelled?: UnlabelledRef;
  /** What is learned of boxes; absent: detection. Images with boxes are converted alike for both. */
  readonly task?: BoxTask | undefined;
  /** A fold of the training and validation images in place of these splits; absent: none. */
  readonly fold?: Fold;
}

/**
 * The reference without the renderings that networks of these inputs do not use.
 * @param training whether the images without labels are used; default: no
 */
export const forInputs = (
  { unlabelled, ...ref }: DatasetRef,
  inputs: readonly (readonly [height: number, width: number, channels: number])[],
  { training = false } = {},
): DatasetRef => {
  const only = <T extends Pick<DatasetRef, 'renderings'>>({ renderings = [], ...one }: T) => {
    const used = renderings.filter(({ size }) => inputs.some((input) => input[0] === size[0] && input[1] === size[1]));
    return used.length === 0 ? one : { ...one, renderings: used };
  };
  return { ...only(ref), ...(training && unlabelled !== undefined && { unlabelled: only(unlabelled) }) };
};

/** An open data set; `close` when done. */
export interface Dataset {
  readonly info: DatasetInfo;
  readonly shared: SharedDataset;
  /** Null: there are no images without labels. */
  readonly unlabelled: OpenUnlabelled | null;
  /** The images of a split; default: in the data set's own size. */
  split(name: SplitName, size?: Size): Split;
  /**
   * Hash of the labels, the splits and the images at these sizes; at the data set's own size, `info.hash`.
   * @param unlabelled whether it also covers the images without labels; default: no
   */
  hashAt(sizes: readonly Size[], unlabelled?: boolean): string;
  /** The part of each training image in a cross-validation of `count` parts: stratified, groups in one part. */
  trainingParts(count: number): Uint8Array;
  close(): void;
}

/** Opens a data set from `prepareDataset`. @throws NasError `invalid-input` when it is missing or damaged */
export function openDataset(ref: DatasetRef): Dataset {
  const { directory, renderings = [], test, validation, subset, fold } = ref;
  const opened: ImageCache[] = [];
  const close = (): void => opened.forEach((cache) => cache.close());
  const open = (folder: string): ImageCache => {
    const cache = openCache(folder);
    opened.push(cache);
    return cache;
  };
  try {
    const cache = open(directory);
    const { meta, table, targets } = cache;
    const shares = { test, validation, subset };
    const { name, classes, height, width, channels } = meta;
    const indices = splitCache(cache, shares, fold);
    const task = taskOf(cache, indices.train, ref.task);
    const unlabelled = ref.unlabelled === undefined ? null : openUnlabelled(ref.unlabelled, cache, indices, open);
    const info: DatasetInfo = {
      name,
      task,
      classes,
      height,
      width,
      channels,
      counts: { train: indices.train.length, validation: indices.validation.length, test: indices.test.length },
      ...pixelStatistics(cache, indices.train),
      hash: contentHash(meta.hash, height, width, channels, classes, shares, ...(fold === undefined ? [] : [fold])),
      ...(unlabelled !== null && { unlabelled: unlabelled.indices.length }),
    };
    const part = (own: Uint32Array) => ({
      indices: own,
      labels: Uint16Array.from(own, (i) => table.labels[i]),
      targets: targets === null ? null : scaledTargets(targets, own, classes.length, task),
    });
    const splits = { train: part(indices.train), validation: part(indices.validation), test: part(indices.test) };
    const others = renderings.map(({ size, directory: folder }): PixelFile => {
      const other = open(folder);
      checkSameImages(cache, other, folder);
      return { size, file: other.images, masks: other.masks, hash: other.meta.hash };
    });
    const pixels = [...others, { size: [height, width], file: cache.images, masks: cache.masks, hash: null } as const];
    const further = unlabelled && { unlabelled: { indices: unlabelled.indices, pixels: unlabelled.pixels } };
    const boxes = cache.boxes && { boxes: cache.boxes };
    const shared: SharedDataset = { info, pixels, splits, ...boxes, ...further };
    const hashOf = (base: string, files: SharedDataset['pixels'], sizes: readonly Size[]): string => {
      const hashes = sizes.map((size) => pixelsAt({ info, pixels: files }, size).hash);
      return hashes.every((hash) => hash === null) ? base : contentHash(base, hashes);
    };
    return {
      info,
      shared,
      unlabelled,
      split: (which, size) => splitOf(shared, which, size),
      hashAt(sizes, all = false) {
        const labelled = hashOf(info.hash, pixels, sizes);
        if (!all || unlabelled === null) return labelled;
        return contentHash(labelled, hashOf(unlabelled.hash, unlabelled.pixels, sizes));
      },
      trainingParts: (count) => partsOf({ ...table, ...strataOf(cache) }, [...indices.train], count),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The images of each split. @throws NasError `invalid-input` when there are too few */
export function splitCache(cache: ImageCache, shares: SplitShares, fold?: Fold): Record<SplitName, Uint32Array> {
  const { labels, strata } = strataOf(cache);
  const table = { ...cache.table, labels };
  const splits = splitImages(table, strata, shares);
  return fold === undefined ? splits : foldSplits(table, strata, splits, fold);
}

function strataOf({ meta, table, targets }: ImageCache): ReturnType<typeof labelStrata> {
  if (targets === null) return { labels: table.labels, strata: meta.classes.map((one) => `class ${one}`) };
  const isOne = meta.task === 'regression' || table.groups !== null;
  return labelStrata(table, isOne ? [] : meta.classes, targets);
}

/** The task of a data set; the numbers of a regression have the statistics of the training images. */
function taskOf({ meta, targets }: ImageCache, train: Uint32Array, ofBoxes: BoxTask = 'detection'): LearningTask {
  if (targets === null || meta.task === undefined) return classification;
  if (meta.task === 'detection') return { type: ofBoxes };
  if (meta.task === 'multi-label' || meta.task === 'segmentation') return { type: meta.task };
  const outputs = meta.classes.length;
  const statistics = meta.classes.map((_, k) => {
    const values = Array.from(train, (i) => targets[i * outputs + k]);
    const average = mean(values);
    const deviation = Math.sqrt(mean(values.map((value) => (value - average) ** 2)));
    // A constant number is learned as 0.
    return { mean: average, std: deviation === 0 ? 1 : deviation };
  });
  return { type: meta.task, mean: statistics.map((one) => one.mean), std: statistics.map(({ std }) => std) };
}

/** The targets of some images, the numbers of a regression scaled. */
const scaledTargets = (
  targets: Float32Array,
  indices: Uint32Array,
  outputs: number,
  task: LearningTask,
): Float32Array =>
  Float32Array.from({ length: indices.length * outputs }, (_, at) => {
    const k = at % outputs;
    const value = targets[indices[(at - k) / outputs] * outputs + k];
    return task.type === 'regression' ? (value - task.mean[k]) / task.std[k] : value;
  });

/** @throws NasError `invalid-input` when a rendering has other images, for example because files changed in between. */
function checkSameImages(own: ImageCache, other: ImageCache, folder: string): void {
  const { count, labels } = own.table;
  if (other.table.count === count && other.table.labels.every((label, i) => label === labels[i])) return;
  throw invalidInput(`${folder} has ${other.table.count} images, the data set ${count}, or in another order`, {
    hint: `Remove ${folder}, so that the images are converted again.`,
  });
}

/** The classes or labels without any image in a split; none in a regression. */
export function absentFrom(
  { info, split: splitOfDataset }: Pick<Dataset, 'info' | 'split'>,
  name: SplitName,
): string[] {
  if (info.task.type === 'regression') return [];
  const { labels, targets } = splitOfDataset(name);
  const outputs = info.classes.length;
  const present = new Set<number>(targets === null ? labels : []);
  targets?.forEach((value, at) => {
    if (value === 1) present.add(at % outputs);
  });
  return info.classes.filter((_, output) => !present.has(output));
}

/** Properties of a data set, which is closed again. */
export function describeDataset(ref: DatasetRef): DatasetInfo {
  const dataset = openDataset(ref);
  dataset.close();
  return dataset.info;
}

/** Opens a data set for the duration of a task. */
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
    const average = sum / pixels;
    const std = Math.sqrt(Math.max(0, squares / pixels - average * average)) / 255;
    return { mean: average / 255, std: Math.max(leastStd, std) };
  });
  return { mean: perChannel.map((channel) => channel.mean), std: perChannel.map(({ std }) => std) };
}
