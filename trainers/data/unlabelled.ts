import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { counted } from '../../base/text.js';
import { makeOnce } from '../make-once.js';
import { type ImageCache, openCache, openImages } from './cache.js';
import { differenceHash, findDuplicates, likeness } from './near-duplicates.js';
import type { PixelFile, Size, SplitName, UnlabelledImages } from './splits.js';

/** The converted images without labels of a data set. */
export interface UnlabelledRef {
  /** Folder of their cache. */
  readonly directory: string;
  /** File of the images that look like labelled ones (`findCopies`). */
  readonly copies: string;
  /** The images in further sizes. */
  readonly renderings?: readonly { readonly size: Size; readonly directory: string }[];
}

const copiesSchema = z.strictObject({
  /** Keys of the pixels of a labelled image, and of an unlabelled one that looks the same. */
  near: z.array(z.tuple([z.number(), z.number()])),
});

/**
 * Finds the unlabelled images that show the same picture as labelled ones, in another size or compression. The result is a file; it
 * does not depend on the splits. Images with the same pixels are not in it, as their keys are equal.
 * @param folder of the caches
 * @returns path of the file
 */
export async function findCopies(labelled: string, unlabelled: string, folder: string): Promise<string> {
  const caches = [openCache(labelled), openCache(unlabelled)];
  try {
    const path = join(folder, `copies-${contentHash(...caches.map(({ meta }) => meta.hash)).slice(0, 16)}.json`);
    return await makeOnce({
      path,
      name: 'the search for copies among the unlabelled images',
      find: () => (existsSync(path) ? path : null),
      make: () => {
        const near = nearPairs(caches, [labelled, unlabelled]);
        writeFileAtomic(path, JSON.stringify({ near } satisfies z.output<typeof copiesSchema>));
        return Promise.resolve(path);
      },
    });
  } finally {
    for (const cache of caches) cache.close();
  }
}

/** Pairs of keys of two sets of images that look the same. */
function nearPairs(
  [first, second]: readonly ImageCache[],
  directories: readonly [string, string],
): [labelled: number, unlabelled: number][] {
  const { height, width, channels, count } = first.meta;
  const shape = [height, width, channels] as const;
  const images = directories.map((directory) => openImages(directory, height * width * channels));
  const read = (row: number): Uint8Array => (row < count ? images[0].read(row) : images[1].read(row - count));
  const keys = [...first.table.keys, ...second.table.keys];
  const looksAlike = likeness(read, shape);
  try {
    const looks = keys.flatMap((_, row) => differenceHash(read(row), shape));
    const isAlike = (a: number, b: number): boolean => a < count && b >= count && looksAlike(a, b);
    return findDuplicates(keys, looks, isAlike).near.map(([a, b]) => [keys[a], keys[b]]);
  } finally {
    for (const one of images) one.close();
  }
}

/** The unlabelled images that training can use. */
export interface OpenUnlabelled extends UnlabelledImages {
  /** Number of images that are left out as copies of labelled images, by the split of these. */
  readonly copies: Readonly<Record<SplitName, number>>;
  /** Hash of the images in use. */
  readonly hash: string;
}

/**
 * Opens the images without labels. Copies of images of the splits are left out: copies of validation and test images would make
 * accuracies too high, and training images are shown with their labels already.
 * @param splits the images of each split, as rows of `labelled`
 * @param open opens a cache, which the caller closes
 * @throws NasError `invalid-input` when no image is left
 */
export function openUnlabelled(
  { directory, copies: file, renderings = [] }: UnlabelledRef,
  labelled: ImageCache,
  splits: Readonly<Record<SplitName, Uint32Array>>,
  open: (directory: string) => ImageCache,
): OpenUnlabelled {
  const cache = open(directory);
  const { height, width } = cache.meta;
  const { keys } = cache.table;
  const { near } = copiesSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const splitOf = new Map<number, SplitName>();
  for (const split of ['train', 'validation', 'test'] as const)
    for (const row of splits[split]) splitOf.set(labelled.table.keys[row], split);
  for (const [original, copy] of near) {
    const split = splitOf.get(original);
    if (split !== undefined) splitOf.set(copy, split);
  }
  const copies = { train: 0, validation: 0, test: 0 };
  const indices: number[] = [];
  for (const [row, key] of keys.entries()) {
    const split = splitOf.get(key);
    if (split === undefined) indices.push(row);
    else copies[split]++;
  }
  if (indices.length === 0)
    throw invalidInput(
      `no unlabelled image is left: ${counted(keys.length, 'image is a copy', 'images are copies')} of labelled ones`,
      { hint: 'data.unlabelled names images besides the labelled ones; leave it out when there are none.' },
    );
  const others = renderings.map(({ size, directory: folder }): PixelFile => {
    const other = open(folder);
    if (other.table.count !== keys.length)
      throw invalidInput(`${folder} has ${other.table.count} images, the unlabelled images are ${keys.length}`, {
        hint: `Remove ${folder}, so that the images are converted again.`,
      });
    return { size, file: other.images, hash: other.meta.hash };
  });
  return {
    indices: Uint32Array.from(indices),
    pixels: [...others, { size: [height, width], file: cache.images, hash: null }],
    copies,
    hash: contentHash(cache.meta.hash, indices.length, Object.values(copies)),
  };
}

/** Sentences about unlabelled images for the log of a run. */
export function unlabelledLines({ indices, copies }: Pick<OpenUnlabelled, 'indices' | 'copies'>): string[] {
  const heldOut = copies.validation + copies.test;
  const number = indices.length.toLocaleString('en-US');
  return [
    `${number} images without labels: students learn the teacher's answers to them.`,
    ...(heldOut === 0
      ? []
      : [
          `${counted(heldOut, 'unlabelled image is a copy', 'unlabelled images are copies')} of validation or test images: left out.`,
        ]),
    ...(copies.train === 0
      ? []
      : [
          `${counted(copies.train, 'unlabelled image is a copy', 'unlabelled images are copies')} of training images: left out.`,
        ]),
  ];
}
