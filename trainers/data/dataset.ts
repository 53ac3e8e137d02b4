import { contentHash } from '../../base/hash.js';
import type { Rendering } from '../../base/preprocess.js';
import { cacheFormat, type ConvertOptions, type ImageCache, isCache, openCache, writeCache } from './cache.js';
import {
  type DatasetInfo,
  pixelsAt,
  type PixelFile,
  type SharedDataset,
  type Size,
  type Split,
  splitImages,
  splitOf,
  splitNames,
  type SplitName,
  type SplitShares,
} from './splits.js';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NasError, invalidInput, messageOf } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { leastStd } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { makeOnce } from '../make-once.js';
import { decodeFiles, refuseDamaged } from './decode-files.js';
import { makeReport } from './make-report.js';
import { reportLines, reportSchema, type DataReport } from './report.js';
import { renderingOf, type DataConfig } from './schema.js';
import { Work } from './work.js';
import { cifar10, cifar100, openCifar } from './sources/cifar.js';
import { openFashionMnistIdx } from './sources/fashion-mnist.js';
import { openFashionMnistPackage } from './sources/fashion-mnist-package.js';
import { openImageFolder, openImageList } from './sources/image-folder.js';
import { renderedSource } from './sources/rendered.js';
import type { DataSource, PixelSource } from './sources/source.js';

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
}

/** The reference without the renderings that networks of these inputs do not use. */
export const forInputs = (
  { renderings = [], ...ref }: DatasetRef,
  inputs: readonly (readonly [height: number, width: number, channels: number])[],
): DatasetRef => {
  const used = renderings.filter(({ size }) => inputs.some((input) => input[0] === size[0] && input[1] === size[1]));
  return used.length === 0 ? ref : { ...ref, renderings: used };
};

/** An open data set; `close` when done. */
export interface Dataset {
  readonly info: DatasetInfo;
  readonly shared: SharedDataset;
  /** The images of a split; default: in the data set's own size. */
  split(name: SplitName, size?: Size): Split;
  /** Hash of the labels, the splits and the images at these sizes; at the data set's own size, `info.hash`. */
  hashAt(sizes: readonly Size[]): string;
  close(): void;
}

/** Opens a data set from `prepareDataset`. @throws NasError `invalid-input` when it is missing or damaged */
export function openDataset({ directory, renderings = [], test, validation, subset }: DatasetRef): Dataset {
  const opened: ImageCache[] = [];
  const close = (): void => opened.forEach((cache) => cache.close());
  const open = (folder: string): ImageCache => {
    const cache = openCache(folder);
    opened.push(cache);
    return cache;
  };
  try {
    const cache = open(directory);
    const { meta, table } = cache;
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
    const others = renderings.map(({ size, directory: folder }): PixelFile => {
      const other = open(folder);
      checkSameImages(cache, other, folder);
      return { size, file: other.images, hash: other.meta.hash };
    });
    const pixels = [...others, { size: [height, width], file: cache.images, hash: null } as const];
    const shared: SharedDataset = { info, pixels, splits };
    return {
      info,
      shared,
      split: (which, size) => splitOf(shared, which, size),
      hashAt(sizes) {
        const hashes = sizes.map((size) => pixelsAt(shared, size).hash);
        return hashes.every((hash) => hash === null) ? info.hash : contentHash(info.hash, hashes);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws NasError `invalid-input` when a rendering has other images, for example because files changed in between. */
function checkSameImages(own: ImageCache, other: ImageCache, folder: string): void {
  const { count, labels } = own.table;
  if (other.table.count === count && other.table.labels.every((label, i) => label === labels[i])) return;
  throw invalidInput(`${folder} has ${other.table.count} images, the data set ${count}, or in another order`, {
    hint: `Remove ${folder}, so that the images are converted again.`,
  });
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
    const mean = sum / pixels;
    const std = Math.sqrt(Math.max(0, squares / pixels - mean * mean)) / 255;
    return { mean: mean / 255, std: Math.max(leastStd, std) };
  });
  return { mean: perChannel.map(({ mean }) => mean), std: perChannel.map(({ std }) => std) };
}

export interface PrepareOptions extends ConvertOptions {
  /** Folder of all caches; by default `cacheDirectory()`. */
  readonly cache?: string;
  /** Further renderings, with the channels of the data. A rendering that equals the data's own is not converted again. */
  readonly renderings?: readonly Rendering[];
  /** Called when another process is converting the same data and this one waits. */
  onNote?(message: string): void;
}

/** Test share of a source without a test split: Fashion-MNIST's 10,000 of 70,000. */
const defaultTestShare = 1 / 7;

/**
 * Converts a data set into a binary cache once; concurrent processes wait for the first. A damaged cache is converted again,
 * and a conversion of image files that was killed or refused goes on where it stopped.
 * @throws NasError `invalid-input` for missing or damaged source files, too few images or a cache folder that cannot be
 *   written; `interrupted` when `signal` is aborted
 */
export async function prepareDataset(config: DataConfig, options: PrepareOptions = {}): Promise<DatasetRef> {
  const { validation, subset } = config;
  const test = 'test' in config ? config.test : defaultTestShare;
  const source = await openSource(config);
  const directory = await converted(source, options);
  const ref = { directory, test, validation, subset };
  const report = readReport(directory);
  if (report !== null && source.kind === 'files') refuseDamaged(source, report.damaged, directory);
  const dataset = openDataset(ref);
  dataset.close();
  if (report !== null)
    for (const line of reportLines(report, splitsByRow(dataset), reportFile(directory))) options.onNote?.(line);
  return addRenderings(ref, config, options.renderings ?? [], options);
}

/**
 * Renders the images of a prepared data set in further ways, each once. Image files are decoded again; sources that hold
 * pixels are resized from these.
 * @throws NasError as `prepareDataset`
 */
export async function addRenderings(
  ref: DatasetRef,
  config: DataConfig,
  renderings: readonly Rendering[],
  options: PrepareOptions = {},
): Promise<DatasetRef> {
  const known = [...(ref.renderings ?? [])];
  for (const rendering of renderings) {
    const directory = await converted(await openSource(config, rendering), options);
    if (directory !== ref.directory && !known.some((one) => one.directory === directory))
      known.push({ size: rendering.size, directory });
  }
  return known.length === 0 ? ref : { ...ref, renderings: known };
}

/** The folder of a source's cache, converted unless it is there. */
async function converted(source: DataSource, options: PrepareOptions): Promise<string> {
  const folder = join(options.cache ?? cacheDirectory(), 'data');
  const directory = join(folder, cacheName(source, source.fingerprint));
  const work = source.kind === 'files' ? join(folder, `${cacheName(source, source.origin)}.work`) : null;
  const once = (path: string, make: () => Promise<true>): Promise<true> =>
    makeOnce({ path, name: `the data set ${source.name}`, find: () => isCache(directory) || null, make, ...options });
  const intoCache = (): Promise<true> => once(directory, () => convert(source, { directory, work }, options));
  // Folders with equal images have work of their own and one entry in the cache.
  await (work === null ? intoCache() : once(work, intoCache));
  return directory;
}

/** The split of each row; undefined for images that no split uses. */
function splitsByRow({ shared }: Dataset): (row: number) => SplitName | undefined {
  const splits = new Map<number, SplitName>();
  for (const name of splitNames) for (const row of shared.splits[name].indices) splits.set(row, name);
  return (row) => splits.get(row);
}

const reportFile = (directory: string): string => join(directory, 'report.json');

/** The report of a converted data set; null when an older version converted it. */
export function readReport(directory: string): DataReport | null {
  const file = reportFile(directory);
  return existsSync(file) ? reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

const cacheName = ({ name }: DataSource, identity: string): string =>
  `${name.replace(/[^\w.-]+/g, '_')}-${contentHash(cacheFormat, identity).slice(0, 16)}`;

const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EIO']);

interface Folders {
  readonly directory: string;
  /** Of images decoded so far; null for sources of pixels. */
  readonly work: string | null;
}

/** Converts into a temporary folder that then replaces the damaged entry, if any. */
async function convert(source: DataSource, { directory, work }: Folders, options: ConvertOptions): Promise<true> {
  const temporary = `${directory}.tmp`;
  try {
    // A killed process may have left the folder.
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    await writeConverted(temporary, source, work, options);
    rmSync(directory, { recursive: true, force: true });
    renameSync(temporary, directory);
    if (work !== null) rmSync(work, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (options.signal?.aborted === true) throw new NasError('interrupted', 'the conversion of the data was stopped');
    if (!(error instanceof Error && 'code' in error && storageErrors.has(String(error.code)))) throw error;
    // A full disk must not stay full.
    if (work !== null) rmSync(work, { recursive: true, force: true });
    const megabytes = Math.ceil((source.count * source.height * source.width * source.channels) / 1e6);
    throw invalidInput(`the data set cannot be converted into ${directory}: ${messageOf(error)}`, {
      cause: error,
      hint: `About ${megabytes} MB are needed in a folder that can be written; NAS_CACHE names another one.`,
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function writeConverted(
  directory: string,
  source: DataSource,
  workDirectory: string | null,
  options: ConvertOptions,
): Promise<void> {
  if (source.kind === 'pixels' || workDirectory === null) {
    if (source.kind === 'pixels') await writeCache(directory, source, options);
    return;
  }
  const { height, width, channels } = source;
  const work = new Work(workDirectory, height * width * channels);
  try {
    const decoded = await decodeFiles(source, work, options);
    const columns = await writeCache(directory, decoded.source, { signal: options.signal });
    writeFileSync(reportFile(directory), JSON.stringify(makeReport(source, decoded, columns, directory)));
  } finally {
    work.close();
  }
}

/**
 * Opens the source of a `data:` configuration.
 * @param rendering default: the configuration's own; pixels that are given stay as they are
 * @throws NasError `invalid-input` when files are missing or damaged
 */
export async function openSource(config: DataConfig, rendering?: Rendering): Promise<DataSource> {
  if (config.type === 'image-folder' || config.type === 'list') {
    const options = { ...config, rendering: rendering ?? renderingOf(config) };
    return config.type === 'list' ? openImageList(config.path, options) : openImageFolder(config.path, options);
  }
  const pixels = await openPixels(config);
  return rendering === undefined ? pixels : renderedSource(pixels, rendering);
}

/** Opens a source of images of one size. */
async function openPixels(config: Exclude<DataConfig, { type: 'image-folder' | 'list' }>): Promise<PixelSource> {
  switch (config.type) {
    case 'fashion-mnist':
      return config.path === undefined ? openFashionMnistPackage() : openFashionMnistIdx(config.path);
    case 'cifar10':
      return openCifar(config.path, cifar10);
    case 'cifar100':
      return openCifar(config.path, cifar100);
  }
}
