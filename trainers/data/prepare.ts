import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Extent } from '../../base/boxes.js';
import { NasError, codeOf, invalidInput, messageOf } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import type { Rendering } from '../../base/preprocess.js';
import { makeOnce } from '../make-once.js';
import { cacheFormat, type ConvertOptions, imagesFile, isCache, writeCache } from './cache.js';
import { type DatasetRef, openDataset } from './dataset.js';
import { decodeFiles, refuseDamaged } from './decode-files.js';
import { makeReport, renewedReport } from './make-report.js';
import { leftOutLines, reportLines, reportSchema, type DataReport } from './report.js';
import {
  defaultSide,
  isImageFiles,
  isPlaced,
  renderingOf,
  type BoxesConfig,
  type MasksConfig,
  type PlacedConfig,
  type DataConfig,
  type ImageFilesConfig,
} from './schema.js';
import { cifar10, cifar100, openCifar } from './sources/cifar.js';
import { openFashionMnistIdx } from './sources/fashion-mnist.js';
import { openFashionMnistPackage } from './sources/fashion-mnist-package.js';
import { readBoxes } from './boxes/read.js';
import { sizeAlong } from './boxes/sizes.js';
import { readMasks } from './masks/read.js';
import type { Item } from './reading/listing.js';
import { readUnlabelled } from './reading/unlabelled.js';
import { imageSource, openImageFolder, openImageList } from './sources/image-folder.js';
import { renderedSource } from './sources/rendered.js';
import { decodedBytes, type DataSource, type FileSource, type PixelSource } from './sources/source.js';
import { splitNames, type SplitName, type SplitShares } from './splits.js';
import { findCopies, unlabelledLines, type UnlabelledRef } from './unlabelled.js';
import { beginWork, Work, type WorkEntry } from './work.js';

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
  const conversion = await convertDataset(config, options);
  const { source, directory, report } = conversion;
  if (report !== null && source.kind === 'files') refuseDamaged(source, report.damaged, directory);
  const unlabelled = await convertUnlabelled(config, conversion, options);
  const task = config.type === 'boxes' && config.task !== undefined && { task: config.task };
  const ref = { directory, ...sharesOf(config), ...task, ...(unlabelled !== null && { unlabelled }) };
  const dataset = openDataset(ref);
  dataset.close();
  if (report !== null) {
    const splitOf = splitsByRow((name) => dataset.shared.splits[name].indices);
    for (const line of reportLines(report, splitOf, reportFile(directory))) options.onNote?.(line);
  }
  if (dataset.unlabelled !== null) for (const line of unlabelledLines(dataset.unlabelled)) options.onNote?.(line);
  return addRenderings(ref, config, options.renderings ?? [], options);
}

interface ConvertedDataset {
  readonly source: DataSource;
  /** Folder of the cache. */
  readonly directory: string;
  /** Null for data sets that hold no image files. */
  readonly report: DataReport | null;
}

/** Converts a data set once, whether or not its images can be split. */
export async function convertDataset(config: DataConfig, options: PrepareOptions): Promise<ConvertedDataset> {
  const source = await openSource(config, undefined, options);
  const directory = await converted(source, options);
  const report = readReport(directory);
  return { source, directory, report: report && source.kind === 'files' ? renewedReport(report, source) : report };
}

/** Converts the images without labels once, and finds the copies of labelled images among them; null: there are none. */
export async function convertUnlabelled(
  config: DataConfig,
  { source: { height, width, channels }, directory: labelled }: Pick<ConvertedDataset, 'source' | 'directory'>,
  options: PrepareOptions,
): Promise<UnlabelledRef | null> {
  const rendering: Rendering = { ...renderingOf(config), size: [height, width], channels };
  const source = await openUnlabelledFiles(config, rendering);
  if (source === null) return null;
  const directory = await converted(source, options);
  const report = readReport(directory);
  if (report !== null) {
    const renewed = renewedReport(report, source);
    refuseDamaged(source, renewed.damaged, directory);
    for (const line of [...renewed.notes, ...leftOutLines(renewed)]) options.onNote?.(`Images without labels: ${line}`);
  }
  return { directory, copies: await findCopies(labelled, directory, dirname(directory)) };
}

export const sharesOf = (config: DataConfig): SplitShares => ({
  test: 'test' in config ? config.test : defaultTestShare,
  validation: config.validation,
  subset: config.subset,
});

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
  const { unlabelled } = ref;
  const labelled = await rendered(ref, renderings, (rendering) => openSource(config, rendering, options), options);
  if (unlabelled === undefined) return labelled;
  const open = (rendering: Rendering) => openUnlabelledFiles(config, rendering);
  return { ...labelled, unlabelled: await rendered(unlabelled, renderings, open, options) };
}

/** Adds the renderings of images that differ from their own. @param open null: there are no images */
async function rendered<T extends Pick<DatasetRef, 'directory' | 'renderings'>>(
  ref: T,
  renderings: readonly Rendering[],
  open: (rendering: Rendering) => Promise<DataSource | null>,
  options: PrepareOptions,
): Promise<T> {
  const known = [...(ref.renderings ?? [])];
  for (const rendering of renderings) {
    const source = await open(rendering);
    if (source === null) continue;
    const directory = await converted(source, options);
    if (directory === ref.directory || known.some((one) => one.directory === directory)) continue;
    requireSameContents(ref.directory, directory, source.name);
    known.push({ size: rendering.size, directory });
  }
  return known.length === 0 ? ref : { ...ref, renderings: known };
}

/** @throws NasError `invalid-input` when files were replaced between two conversions of them */
function requireSameContents(first: string, second: string, name: string): void {
  const contents = [first, second].map((directory) =>
    convertedFiles(directory)
      .map(({ content }) => content)
      .join(),
  );
  if (contents[0] === contents[1]) return;
  rmSync(second, { recursive: true });
  throw invalidInput(`images of ${name} changed while they were converted`, {
    hint: 'Run the command again when nothing writes into the folder.',
  });
}

/** The folder of a source's cache, converted unless it is there. */
async function converted(source: DataSource, options: PrepareOptions): Promise<string> {
  const folder = join(options.cache ?? cacheDirectory(), 'data');
  const directory = join(folder, cacheName(source, source.fingerprint));
  const origin = join(folder, cacheName(source, source.kind === 'files' ? source.origin : source.fingerprint));
  const work = `${origin}.work`;
  const once = (path: string, make: () => Promise<true>): Promise<true> =>
    makeOnce({ path, name: `the data set ${source.name}`, find: () => isCache(directory) || null, make, ...options });
  const intoCache = (): Promise<true> =>
    once(directory, () => convert(source, { directory, work, last: `${origin}.last` }, options));
  // Folders with equal images have work of their own and one entry in the cache.
  await (source.kind === 'files' ? once(work, intoCache) : intoCache());
  return directory;
}

/** The split of each row; undefined for images that no split uses. */
export function splitsByRow(rowsOf: (split: SplitName) => Uint32Array): (row: number) => SplitName | undefined {
  const splits = new Map<number, SplitName>();
  for (const name of splitNames) for (const row of rowsOf(name)) splits.set(row, name);
  return (row) => splits.get(row);
}

const reportFile = (directory: string): string => join(directory, 'report.json');
/** Lists the files of the images, in their order. */
const filesFile = (directory: string): string => join(directory, 'files.jsonl');

/** The files of some images of a converted data set; none where it holds no image files. */
export function imagePaths(directory: string, rows: readonly number[]): ReadonlyMap<number, string> {
  if (rows.length === 0) return new Map();
  const files = convertedFiles(directory);
  return new Map(rows.flatMap((row) => (row in files ? [[row, files[row].path] as const] : [])));
}

/** The files of all images of a converted data set in their order; none where it holds no image files. */
export function convertedFiles(directory: string): readonly WorkEntry[] {
  const file = filesFile(directory);
  if (!existsSync(file)) return [];
  // Written by `writeConverted`.
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as WorkEntry]));
}

/** The report of a converted data set; null where it holds no image files. */
export function readReport(directory: string): DataReport | null {
  const file = reportFile(directory);
  return existsSync(file) ? reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

const cacheName = ({ name }: DataSource, identity: string): string =>
  `${name.replace(/[^\w.-]+/g, '_')}-${contentHash(cacheFormat, identity).slice(0, 16)}`;

const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EIO']);

interface Folders {
  readonly directory: string;
  /** Image files decoded so far. */
  readonly work: string;
  /** File with the name of the last cache that was made from the same place. */
  readonly last: string;
}

/** Converts into a temporary folder that then replaces the damaged entry, if any. */
async function convert(source: DataSource, folders: Folders, options: ConvertOptions): Promise<true> {
  const { directory, work, last } = folders;
  const temporary = `${directory}.tmp`;
  try {
    // A killed process may have left the folder.
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    // Pixels of a cache are without their masks.
    if (!existsSync(work) && source.task !== 'segmentation') takeLast(folders);
    await writeConverted(temporary, source, work, options);
    rmSync(directory, { recursive: true, force: true });
    renameSync(temporary, directory);
    if (source.kind === 'files') writeFileSync(last, basename(directory));
    rmSync(work, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (options.signal?.aborted === true) throw new NasError('interrupted', 'the conversion of the data was stopped');
    if (!storageErrors.has(codeOf(error))) throw error;
    // A full disk must not stay full.
    rmSync(work, { recursive: true, force: true });
    const megabytes = Math.ceil((source.count * source.height * source.width * source.channels) / 1e6);
    throw invalidInput(`the data set cannot be converted into ${directory}: ${messageOf(error)}`, {
      cause: error,
      hint: `About ${megabytes} MB are needed in a folder that can be written; NAS_CACHE names another one.`,
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Begins with the images of the last conversion: only files that are new or have changed are decoded. */
function takeLast({ directory, work, last }: Folders): void {
  if (!existsSync(last)) return;
  const before = join(dirname(directory), readFileSync(last, 'utf8'));
  if (existsSync(filesFile(before)) && isCache(before)) beginWork(work, filesFile(before), imagesFile(before));
}

async function writeConverted(
  directory: string,
  source: DataSource,
  workDirectory: string,
  options: ConvertOptions,
): Promise<void> {
  if (source.kind === 'pixels') {
    await writeCache(directory, source, options);
    return;
  }
  const work = new Work(workDirectory, decodedBytes(source));
  try {
    const decoded = await decodeFiles(source, work, options);
    const columns = await writeCache(directory, decoded.source, { signal: options.signal });
    const { items, headers, contents } = decoded;
    const entries = items.map(({ file }, i): WorkEntry => ({ ...file, content: contents[i], header: headers[i] }));
    writeFileSync(filesFile(directory), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
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
export async function openSource(
  config: DataConfig,
  rendering?: Rendering,
  { cache }: Pick<PrepareOptions, 'cache'> = {},
): Promise<DataSource> {
  if (isImageFiles(config)) return openImageFiles(config, rendering);
  if (config.type === 'boxes') return openBoxFiles(config, rendering);
  if (config.type === 'masks') return openMaskFiles(config, rendering, cache);
  const pixels = await openPixels(config);
  return rendering === undefined ? pixels : renderedSource(pixels, rendering);
}

/** The images of a data set of boxes; an image has the labels of its boxes. */
async function openBoxFiles(config: BoxesConfig, given?: Rendering): Promise<FileSource> {
  const { tree, images, classes, notes } = await readBoxes(config);
  const rendering = given ?? placedRendering(config, images);
  const groupOf = groupsOf(images);
  const items = images.map(({ file, width, height, boxes, split, group }): Item => {
    const present = new Set(boxes.flatMap(({ label, ignored }) => (ignored ? [] : [label])));
    const targets = classes.map((_, label) => Number(present.has(label)));
    return { file, label: 0, targets, split, ...groupOf(group), boxed: { width, height, boxes } };
  });
  return imageSource(tree, { task: 'detection', classes, items, skipped: [], notes }, { rendering });
}

/** The images of a data set of masks; an image has the labels of its pixels, and no boxes. */
async function openMaskFiles(config: MasksConfig, given?: Rendering, cache?: string): Promise<FileSource> {
  const { tree, images, classes, notes, meaning } = await readMasks(config, { cache });
  const rendering = given ?? placedRendering(config, images);
  const groupOf = groupsOf(images);
  const items = images.map(({ file, width, height, pixels, split, group }): Item => {
    const targets = pixels.map((count) => Number(count > 0));
    return { file, label: 0, targets, split, ...groupOf(group), boxed: { width, height, boxes: [] } };
  });
  const source = imageSource(tree, { task: 'segmentation', classes, items, skipped: [], notes }, { rendering });
  const masks = new Map(images.map((image) => [image.file.path, image]));
  return {
    ...source,
    fingerprint: contentHash(source.fingerprint, meaning),
    origin: contentHash(source.origin, meaning),
    async decode(bytes, file) {
      const [pixels, mask] = [await source.decode(bytes, file), await masks.get(file.path)?.render(rendering.size)];
      return Buffer.concat([pixels, mask ?? new Uint8Array()]);
    },
  };
}

/** The rendering of images with boxes or masks: by default in their median proportions. */
function placedRendering(config: PlacedConfig, images: readonly Extent[]): Rendering {
  const { width, height } = sizeAlong(images, defaultSide[config.type]);
  return renderingOf({ ...config, size: config.size ?? [height, width] });
}

/** Numbers the groups of images. */
function groupsOf(images: readonly { readonly group: string }[]): (group: string) => Pick<Item, 'group'> {
  const groups = new Map<string, number>();
  for (const { group } of images) if (group !== '' && !groups.has(group)) groups.set(group, groups.size);
  return (group) => (group === '' ? {} : { group: groups.get(group) ?? 0 });
}

/** `openSource` of image files. */
export async function openImageFiles(config: ImageFilesConfig, rendering = renderingOf(config)): Promise<FileSource> {
  const options = { ...config, rendering };
  return config.type === 'list' ? openImageList(config.path, options) : openImageFolder(config.path, options);
}

/** The source of `data.unlabelled`; null without it. @throws NasError `invalid-input` as `readUnlabelled` */
async function openUnlabelledFiles(config: DataConfig, rendering: Rendering): Promise<FileSource | null> {
  if (isPlaced(config) || config.unlabelled === undefined) return null;
  const { unlabelled } = config;
  const { tree, listing } = await readUnlabelled(unlabelled, 'image' in config ? config.image : undefined);
  return imageSource(tree, listing, { rendering, damaged: 'damaged' in config ? config.damaged : undefined });
}

/** Opens a source of images of one size. */
async function openPixels(config: Exclude<DataConfig, ImageFilesConfig | PlacedConfig>): Promise<PixelSource> {
  switch (config.type) {
    case 'fashion-mnist':
      return config.path === undefined ? openFashionMnistPackage() : openFashionMnistIdx(config.path);
    case 'cifar10':
      return openCifar(config.path, cifar10);
    case 'cifar100':
      return openCifar(config.path, cifar100);
  }
}
