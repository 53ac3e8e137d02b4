import { readFully } from '../../base/files.js';
import type { SplitName } from './sources/index.js';

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
