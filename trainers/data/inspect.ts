import { NasError } from '../../base/errors.js';
import { readFully } from '../../base/files.js';
import { labelledImagesOf, type ImageRow } from './fingerprint.js';
import { openCache, type CacheMeta, type ImageCache } from './cache.js';
import { splitCache } from './dataset.js';
import { convertDataset, convertUnlabelled, sharesOf, splitsByRow, type PrepareOptions } from './prepare.js';
import type { DataReport } from './report.js';
import { isImageFiles, type DataConfig } from './schema.js';
import { assignedCode, orRefusal } from './split-images.js';
import { splitNames, type SplitName } from './splits.js';
import { openUnlabelled, type OpenUnlabelled, type UnlabelledRef } from './unlabelled.js';

/** A converted data set as it was read, also where its images cannot be split; `close` when done. */
export interface InspectedData {
  readonly info: Pick<CacheMeta, 'name' | 'classes' | 'height' | 'width' | 'channels' | 'count' | 'task'>;
  /** The classes or labels of an image, as indices; none in a regression. */
  readonly labelsOf: (row: number) => readonly number[];
  /** The numbers of an image in a regression; null for other tasks. */
  readonly numbersOf: ((row: number) => readonly number[]) | null;
  /** The splits that the source assigns. */
  readonly assigned: readonly SplitName[];
  /** A hash of the pixels of each image. */
  readonly keys: Float64Array;
  /** The split of an image, or undefined for one that no split uses; an error says why the images cannot be split. */
  readonly splits: ((row: number) => SplitName | undefined) | NasError;
  /** Which image is in which split. @throws NasError when the images cannot be split */
  readonly rows: () => readonly ImageRow[];
  /** Images without labels; null: there are none. */
  readonly unlabelled: Pick<OpenUnlabelled, 'indices' | 'copies'> | null;
  /** Null for data sets that hold no image files. */
  readonly report: DataReport | null;
  /** Images of one colour. */
  readonly plain: readonly number[];
  /** The file of an image; null without a report. */
  readonly pathOf: (row: number) => string | null;
  /** The bytes of an image: [height, width, channels]. */
  readonly read: (row: number) => Uint8Array;
  close(): void;
}

/** Deviation of the pixels of an image of one colour, up to compression. */
const plainDeviation = 2;

/**
 * Converts a data set once, leaving damaged files out, and opens it.
 * @throws NasError `invalid-input` for files that no data source reads; `interrupted` when the signal is aborted
 */
export async function inspectDataset(config: DataConfig, options: PrepareOptions = {}): Promise<InspectedData> {
  const lenient: DataConfig = isImageFiles(config) ? { ...config, damaged: 'skip' } : config;
  const conversion = await convertDataset(lenient, options);
  const { source, directory, report } = conversion;
  const unlabelled = await convertUnlabelled(lenient, conversion, options);
  const cache = openCache(directory);
  const splits = orRefusal(() => splitCache(cache, sharesOf(config)));
  const { meta, table, images, targets } = cache;
  const outputs = [...meta.classes.keys()];
  const damaged = new Set(report?.damaged.map(({ path }) => path));
  const items = source.kind === 'files' ? source.listing.items.filter(({ file }) => !damaged.has(file.path)) : [];
  return {
    info: meta,
    labelsOf: (row) => {
      if (targets === null) return [table.labels[row]];
      return meta.task === 'multi-label' ? outputs.filter((k) => targets[row * outputs.length + k] === 1) : [];
    },
    numbersOf:
      targets !== null && meta.task === 'regression'
        ? (row) => outputs.map((k) => targets[row * outputs.length + k])
        : null,
    assigned: splitNames.filter((name) => table.assigned.includes(assignedCode(name))),
    keys: table.keys,
    splits: splits instanceof NasError ? splits : splitsByRow((name) => splits[name]),
    rows: () => labelledImagesOf({ directory, ...sharesOf(config) }).rows,
    unlabelled: unlabelled && usable(unlabelled, cache, splits instanceof NasError ? noRows : splits),
    report,
    plain: Array.from({ length: meta.count }, (_, row) => row).filter((row) => isPlain(cache, row)),
    pathOf: (row) => (report === null ? null : (items.at(row)?.file.path ?? null)),
    read: (row) => {
      const image = new Uint8Array(meta.height * meta.width * meta.channels);
      readFully(images, image, row * image.length);
      return image;
    },
    close: () => cache.close(),
  };
}

const noRows = { train: new Uint32Array(), validation: new Uint32Array(), test: new Uint32Array() };

/** The unlabelled images that are no copies of images of the splits. */
function usable(
  ref: UnlabelledRef,
  cache: ImageCache,
  splits: Readonly<Record<SplitName, Uint32Array>>,
): InspectedData['unlabelled'] {
  const opened: ImageCache[] = [];
  const open = (directory: string): ImageCache => {
    const other = openCache(directory);
    opened.push(other);
    return other;
  };
  try {
    const { indices, copies } = openUnlabelled(ref, cache, splits, open);
    return { indices, copies };
  } finally {
    for (const other of opened) other.close();
  }
}

function isPlain({ meta: { height, width, channels }, sums }: ImageCache, row: number): boolean {
  const pixels = height * width;
  for (let c = 0; c < channels; c++) {
    const at = 2 * (row * channels + c);
    const mean = sums[at] / pixels;
    if (sums[at + 1] / pixels - mean * mean > plainDeviation ** 2) return false;
  }
  return true;
}
