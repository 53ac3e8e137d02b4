import { basename, extname } from 'node:path/posix';
import type { SplitName } from '../splits.js';

/** Formats that are read; the content decides which one a file is. */
const readable = ['jpg', 'jpeg', 'jpe', 'jfif', 'pjpeg', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif'];
/** Formats of images that the decoder does not know. */
const unreadable = [
  ...['bmp', 'dib', 'heic', 'heif', 'jp2', 'j2k', 'jpx', 'jxl', 'ico', 'psd', 'tga', 'svg', 'eps', 'pcx', 'exr', 'hdr'],
  ...['ppm', 'pgm', 'pbm', 'pnm', 'dcm', 'nii', 'dng', 'nef', 'cr2', 'cr3', 'arw', 'raf', 'orf', 'rw2', 'pef'],
];
const readableExtensions = new Set(readable.map((name) => `.${name}`));
const unreadableExtensions = new Set(unreadable.map((name) => `.${name}`));

/** Files and folders that systems and programs leave behind, in lower case; names with a leading dot are hidden anyway. */
const leftovers = new Set([
  ...['__macosx', 'thumbs.db', 'ehthumbs.db', 'desktop.ini', '$recycle.bin', 'system volume information'],
  ...['@eadir', 'lost+found', 'icon\r'],
]);

/** Why a file is not among the images. */
export type SkipCause = 'hidden' | 'format' | 'other' | 'outside' | 'link' | 'size' | 'repeated' | 'unlabelled';

/** Whether a path is an image that can be read; otherwise why not. */
export function kindOf(path: string): 'image' | SkipCause {
  if (path.split('/').some((name) => name.startsWith('.') || leftovers.has(name.toLowerCase()))) return 'hidden';
  const extension = extname(path).toLowerCase();
  if (readableExtensions.has(extension)) return 'image';
  return unreadableExtensions.has(extension) ? 'format' : 'other';
}

/** The extension of a file for messages: `.bmp`, or its name when it has none. */
export const extensionOf = (path: string): string => extname(path).toLowerCase() || basename(path);

export const readableText = readable.map((name) => `.${name}`).join(', ');

const splitWords: ReadonlyMap<string, SplitName | 'evaluation'> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['trainset', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['valset', 'validation'],
  ['dev', 'validation'],
  ['devset', 'validation'],
  ['eval', 'evaluation'],
  ['evaluation', 'evaluation'],
  ['test', 'test'],
  ['testing', 'test'],
  ['testset', 'test'],
  ['holdout', 'test'],
]);
/** Words beside a split's own in the name of its folder: `training_set`, `Test Images`, `train2017`. */
const fillers = new Set(['set', 'data', 'dataset', 'split', 'image', 'images', 'img', 'imgs', 'folder', 'photos']);

/** The split that a name means, and its other words. `evaluation` is the test beside a validation split. */
export interface SplitMeaning {
  readonly split: SplitName | 'evaluation';
  /** Empty in `Train` and `training_set`; `seg` in `seg_train`. */
  readonly rest: string;
}

/** Reads the name of a folder, or the cell of a table, as a split; null when it means none or several. */
export function splitMeaning(name: string): SplitMeaning | null {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '' && !fillers.has(word));
  const found = words.flatMap((word) => splitWords.get(word) ?? []);
  if (found.length !== 1) return null;
  return { split: found[0], rest: words.filter((word) => !splitWords.has(word)).join(' ') };
}

/**
 * The splits of a data set that names these. The only held-out images are the test, since validation images can be taken from
 * the training images.
 */
export function splitsNamed(given: ReadonlySet<SplitMeaning['split']>): (split: SplitMeaning['split']) => SplitName {
  const evaluation = given.has('validation') && !given.has('test') ? 'test' : 'validation';
  const hasTest = given.has('test') || (given.has('evaluation') && evaluation === 'test');
  return (split) => {
    const own = split === 'evaluation' ? evaluation : split;
    return own === 'validation' && !hasTest ? 'test' : own;
  };
}

/** The form of folder and class names for comparisons, without case, outer spaces and the form of accents (macOS differs). */
export const plainName = (name: string): string => name.normalize('NFC').trim().toLowerCase();

/** Order of class and file names: by code units, in every language of the system. */
export const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
