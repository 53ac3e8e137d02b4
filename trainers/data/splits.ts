import type { Extent, LabelledBox } from '../../base/boxes.js';
import type { Placement } from '../../base/detections.js';
import { invalidInput } from '../../base/errors.js';
import { readFully } from '../../base/files.js';
import type { LearningTask } from '../../base/task.js';
import { boxesOf, placementOf, type BoxTable } from './box-table.js';

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

/** Properties of a data set. */
export interface DatasetInfo {
  readonly name: string;
  readonly task: LearningTask;
  /** Names of the outputs: classes in label order, labels, or numbers. */
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of images in each split. */
  readonly counts: Readonly<Record<SplitName, number>>;
  /** Mean and standard deviation, at least `leastStd`, per channel of pixel / 255 over the train split. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Changes with any labelled image, label or split. */
  readonly hash: string;
  /** Number of images without labels that training can use; absent: the data set has none. */
  readonly unlabelled?: number;
}

/** The images of one split; positions run from 0 to `count` - 1. */
export interface Split {
  readonly count: number;
  /** Class of each labelled position, 0 for other tasks. Only in `withUnlabelled` are there fewer than `count`. */
  readonly labels: Uint16Array;
  /** [labels, outputs]: 0 and 1 of labels, or numbers as (value - mean) / std; null for classification. */
  readonly targets: Float32Array | null;
  /** The boxes of the image at a position; without boxes for segmentation, and undefined for other tasks. */
  readonly boxed?: ((position: number) => BoxedPixels) | undefined;
  /** Copies the masks of the images at `positions` into `into`: uint8 [positions, height, width]; undefined for other tasks than segmentation. */
  readonly readMasks?: Split['read'];
  /** Copies the images at `positions` into `into`: uint8 [positions, height, width, channels]. */
  read(positions: ArrayLike<number>, into: Uint8Array): void;
}

/** Boxes of an image, in its pixels, and where the image of the file lies in them. */
export interface BoxedPixels {
  readonly boxes: readonly LabelledBox[];
  readonly placement: Placement;
  readonly extent: Extent;
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
  /** Descriptor of the masks in this size; only for segmentation. */
  readonly masks?: number | null;
  /** Null: the pixels that the data set's own hash covers. */
  readonly hash: string | null;
}

/** An open data set as plain data for the threads of this process, which share its open files. */
export interface SharedDataset {
  readonly info: DatasetInfo;
  /** One for each size; the first of a size is used. */
  readonly pixels: readonly PixelFile[];
  /** Index in the files of each position, with labels and targets as in `Split`. */
  readonly splits: Readonly<Record<SplitName, { readonly indices: Uint32Array } & Pick<Split, 'labels' | 'targets'>>>;
  /** The boxes of all images in the files, and their sizes: for detection, and without boxes for segmentation. */
  readonly boxes?: BoxTable;
  /** Images without labels; absent: there are none. */
  readonly unlabelled?: UnlabelledImages;
}

/** Images without labels in files of their own. */
export interface UnlabelledImages extends Pick<SharedDataset, 'pixels'> {
  /** Index of each image in the files. */
  readonly indices: Uint32Array;
}

const showSize = (size: Size): string => size.join(' x ');

/** The file of a size; default: the data set's own. @throws NasError `invalid-input` when the images have no such size */
export function pixelsAt(
  { info, pixels }: Pick<SharedDataset, 'info' | 'pixels'>,
  size: Size = [info.height, info.width],
): PixelFile {
  const found = pixels.find(({ size: [height, width] }) => height === size[0] && width === size[1]);
  if (found !== undefined) return found;
  const sizes = pixels.map((one) => showSize(one.size)).join(', ');
  throw invalidInput(`the images of ${info.name} were not rendered at ${showSize(size)}: there are ${sizes}`, {
    hint: 'A space of type module lists the inputs of its networks as `inputs`.',
  });
}

/** Reads images of one size, [height, width, channels] each, by their positions in a list of indices. */
function readerOf({ file }: Pick<PixelFile, 'file'>, bytes: number, indices: Uint32Array): Split['read'] {
  const at = (positions: ArrayLike<number>, i: number): number => {
    const position = positions[i];
    if (!(position >= 0 && position < indices.length)) {
      throw new RangeError(`position ${position} in a split of ${indices.length} images`);
    }
    return indices[position];
  };
  return (positions, into) => {
    for (let start = 0, end = 0; start < positions.length; start = end) {
      // Adjacent images are read together.
      const first = at(positions, start);
      end = start + 1;
      while (end < positions.length && at(positions, end) === first + end - start) end++;
      readFully(file, into.subarray(start * bytes, end * bytes), first * bytes);
    }
  };
}

const bytesOf = ({ size: [height, width] }: PixelFile, { channels }: DatasetInfo): number => height * width * channels;

/** The images of one split in one size, in any thread of this process. */
export function splitOf(shared: SharedDataset, name: SplitName, size?: Size): Split {
  const { indices, labels, targets } = shared.splits[name];
  const pixels = pixelsAt(shared, size);
  const {
    masks,
    size: [height, width],
  } = pixels;
  const { boxes } = shared;
  const boxed = (table: BoxTable) => (position: number) => {
    const image = indices[position];
    return {
      boxes: boxesOf(table, image, pixels.size),
      placement: placementOf(table, image, pixels.size),
      extent: { width: table.extents[2 * image], height: table.extents[2 * image + 1] },
    };
  };
  return {
    count: indices.length,
    labels,
    targets,
    ...(boxes !== undefined && { boxed: boxed(boxes) }),
    ...(typeof masks === 'number' && { readMasks: readerOf({ file: masks }, height * width, indices) }),
    read: readerOf(pixels, bytesOf(pixels, shared.info), indices),
  };
}

/** The training images and, at the positions after them, the images without labels. */
export function withUnlabelled(shared: SharedDataset, size?: Size): Split {
  const labelled = splitOf(shared, 'train', size);
  const { info, unlabelled } = shared;
  if (unlabelled === undefined) return labelled;
  const pixels = pixelsAt({ info, pixels: unlabelled.pixels }, size);
  const bytes = bytesOf(pixels, info);
  const readUnlabelled = readerOf(pixels, bytes, unlabelled.indices);
  return {
    ...labelled,
    count: labelled.count + unlabelled.indices.length,
    read(positions, into) {
      for (let i = 0; i < positions.length; i++) {
        const image = into.subarray(i * bytes, (i + 1) * bytes);
        const beyond = positions[i] - labelled.count;
        if (beyond < 0) labelled.read([positions[i]], image);
        else readUnlabelled([beyond], image);
      }
    },
  };
}

/** Number of images of an epoch. @param distilled whether training learns from a teacher, and so from images without labels */
export const epochImages = (
  { counts, unlabelled = 0 }: Pick<DatasetInfo, 'counts' | 'unlabelled'>,
  distilled: boolean,
) => counts.train + (distilled ? unlabelled : 0);
