import { invalidInput } from '../../base/errors.js';
import { readFully } from '../../base/files.js';

/** The splits of a data set; neither training nor the search uses `test`. */
export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** The shares that determine the splits. */
export interface SplitShares {
  /** Share of all images for the test, per class, when the source has no test split. */
  readonly test: number;
  /** Share of the training images for validation, per class, when the source has no validation split. */
  readonly validation: number;
  /** Share of the remaining training images that are used, per class. */
  readonly subset: number;
}

/** Data of each image except its pixels. */
export interface ImageTable {
  readonly count: number;
  readonly labels: Uint16Array;
  /** A hash of the pixels; equal for equal images. */
  readonly keys: Float64Array;
  /** Index into `splitNames` of the split that the source assigns, or `unassigned`. */
  readonly assigned: Uint8Array;
}

const unassigned = 255;

const partIndex: Readonly<Record<SplitName, number>> = { train: 0, validation: 1, test: 2 };

/** The code of a split in `ImageTable.assigned`. */
export const assignedCode = (split: SplitName | null): number => (split === null ? unassigned : partIndex[split]);

/** `share` of `count`, rounded: at least 1, and at most `count - rest`. */
const quota = (count: number, share: number, rest: number): number =>
  Math.min(count - rest, Math.max(1, Math.round(count * share)));

/**
 * Splits the images; returns increasing indices. Splits are disjoint and stratified: every class has its share in each, to
 * within one image. Splits assigned by the source stay. Within a class, images are ordered by the hash of their pixels, so
 * the split depends on the images only, not on a seed or file names. Duplicates come last: they stay in training as long
 * as the class has enough other images, so no test image is also trained on.
 * @throws NasError `invalid-input` when a class has too few images
 */
export function splitImages(
  table: ImageTable,
  classes: readonly string[],
  shares: SplitShares,
): Record<SplitName, Uint32Array> {
  const given = new Set(table.assigned);
  const split: Record<SplitName, number[]> = { train: [], validation: [], test: [] };
  const pools = poolsByClass(table, classes.length, split);
  const takesTest = !given.has(partIndex.test);
  const takesValidation = !given.has(partIndex.validation);
  for (const [label, pool] of pools.entries()) {
    const needed = 1 + Number(takesTest) + Number(takesValidation);
    if (pool.length < needed) {
      throw invalidInput(
        `class ${classes[label]} has ${pool.length} images to train on; at least ${needed} are needed ` +
          `to have one in each of ${splitNames.join(', ')}`,
        { hint: 'Add images to the class or remove it.' },
      );
    }
    let next = 0;
    const take = (name: SplitName, count: number): void => {
      for (const image of pool.slice(next, next + count)) split[name].push(image);
      next += count;
    };
    if (takesTest) take('test', quota(pool.length, shares.test, needed - 1));
    if (takesValidation) take('validation', quota(pool.length - next, shares.validation, 1));
    take('train', quota(pool.length - next, shares.subset, 0));
  }
  return {
    train: Uint32Array.from(split.train).sort(),
    validation: Uint32Array.from(split.validation).sort(),
    test: Uint32Array.from(split.test).sort(),
  };
}

/** The images of each class that may train, in splitting order; assigned validation and test images go to `split`. */
function poolsByClass(table: ImageTable, classes: number, split: Record<SplitName, number[]>): number[][] {
  const seen = new Map<number, number>();
  for (const key of table.keys) seen.set(key, (seen.get(key) ?? 0) + 1);
  const pools = Array.from({ length: classes }, (): number[] => []);
  for (let i = 0; i < table.count; i++) {
    const name = splitNames.at(table.assigned[i]);
    if (name === 'validation' || name === 'test') split[name].push(i);
    else pools[table.labels[i]].push(i);
  }
  const { keys } = table;
  const order = keys.map((key) => (seen.get(key) === 1 ? key : key + duplicateOffset));
  for (const pool of pools) pool.sort((a, b) => order[a] - order[b] || a - b);
  return pools;
}

/** Larger than any key (52 bits). */
const duplicateOffset = 2 ** 52;

/** Properties of a data set. */
export interface DatasetInfo {
  readonly name: string;
  /** Class names in label order. */
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of images in each split. */
  readonly counts: Readonly<Record<SplitName, number>>;
  /** Mean and standard deviation, at least `leastStd`, per channel of pixel / 255 over the train split. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Changes with any image, label or split. */
  readonly hash: string;
}

/** The images of one split; positions run from 0 to `count` - 1. */
export interface Split {
  readonly count: number;
  /** [count], class of each position. */
  readonly labels: Uint16Array;
  /** Copies the images at `positions` into `into`: uint8 [positions, height, width, channels]. */
  read(positions: ArrayLike<number>, into: Uint8Array): void;
}

/** Height and width of images. */
export type Size = readonly [height: number, width: number];

/** Height, width and channels of one image. */
export type ImageSize = readonly [height: number, width: number, channels: number];

/** All images of a data set in one size, in an open file. */
export interface PixelFile {
  readonly size: Size;
  /** Descriptor. */
  readonly file: number;
  /** Null: the pixels that the data set's own hash covers. */
  readonly hash: string | null;
}

/** An open data set as plain data for the threads of this process, which share its open files. */
export interface SharedDataset {
  readonly info: DatasetInfo;
  /** One for each size; the first of a size is used. */
  readonly pixels: readonly PixelFile[];
  /** Index in the files and class of each position. */
  readonly splits: Readonly<Record<SplitName, { readonly indices: Uint32Array; readonly labels: Uint16Array }>>;
}

const showSize = (size: Size): string => size.join(' x ');

/** The file of a size; default: the data set's own. @throws NasError `invalid-input` when the images have no such size */
export function pixelsAt({ info, pixels }: SharedDataset, size: Size = [info.height, info.width]): PixelFile {
  const found = pixels.find(({ size: [height, width] }) => height === size[0] && width === size[1]);
  if (found !== undefined) return found;
  const sizes = pixels.map((one) => showSize(one.size)).join(', ');
  throw invalidInput(`the images of ${info.name} were not rendered at ${showSize(size)}: there are ${sizes}`, {
    hint: 'A space of type module lists the inputs of its networks as `inputs`.',
  });
}

/** The images of one split in one size, in any thread of this process. */
export function splitOf(shared: SharedDataset, name: SplitName, size?: Size): Split {
  const { indices, labels } = shared.splits[name];
  const { file, size: own } = pixelsAt(shared, size);
  const bytes = own[0] * own[1] * shared.info.channels;
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
        // Adjacent images are read together.
        const first = at(positions, start);
        end = start + 1;
        while (end < positions.length && at(positions, end) === first + end - start) end++;
        readFully(file, into.subarray(start * bytes, end * bytes), first * bytes);
      }
    },
  };
}
