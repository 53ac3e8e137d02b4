import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import PQueue from 'p-queue';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { toPixels } from '../../../base/image-pixels.js';
import { requireFolder } from './source.js';
import type { SplitName } from '../splits.js';
import type { DataSource, ImageBlock } from './source.js';

const purpose = 'one folder per class, or train and test (or val) folders of such folders';
const imageExtensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);
/** Folder names that mean a split; a validation folder replaces a missing test folder. */
const partFolders: ReadonlyMap<string, SplitName> = new Map([
  ['train', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
]);
/** Images decoded together; bounds the memory. */
const blockSize = 256;

export interface ImageFolderOptions {
  /** Height and width of every image after resizing, in pixels. */
  readonly size: number;
  readonly channels: 1 | 3;
}

interface ImageFile {
  readonly path: string;
  readonly label: number;
  readonly split: SplitName | null;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const foldersIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.') && statSync(join(directory, name)).isDirectory())
    .sort(compare);

const imagesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => imageExtensions.has(extname(name).toLowerCase()) && !basename(name).startsWith('.'))
    .sort(compare)
    .map((name) => join(directory, name));

/** The folders with class folders and their splits; the training split comes first. */
function partsOf(directory: string): { path: string; split: SplitName | null }[] {
  const names = foldersIn(directory);
  if (!names.includes('train') || !names.every((name) => partFolders.has(name)))
    return [{ path: directory, split: null }];
  const hasTest = names.includes('test');
  return names
    .map((name) => {
      const split = partFolders.get(name) ?? 'train';
      return { path: join(directory, name), split: split === 'validation' && !hasTest ? 'test' : split };
    })
    .sort((a, b) => Number(b.split === 'train') - Number(a.split === 'train'));
}

/** Lists every image with its class. Each split must have the classes of the training split, and no class may be empty. */
function listImages(directory: string): { classes: string[]; files: ImageFile[] } {
  const parts = partsOf(directory);
  const classes = foldersIn(parts[0]?.path ?? directory);
  if (classes.length < 2) {
    throw invalidInput(
      `${parts[0]?.path ?? directory} has ${classes.length === 0 ? 'no class folder' : `only the class ${classes[0] ?? ''}`}`,
      { hint: `A classifier needs at least two classes; data.path names the folder with ${purpose}.` },
    );
  }
  const files: ImageFile[] = [];
  for (const { path, split } of parts) {
    const present = foldersIn(path);
    const unknown = present.find((name) => !classes.includes(name));
    if (unknown !== undefined) {
      throw invalidInput(`${join(path, unknown)} is not one of the training classes (${classes.join(', ')})`, {
        hint: 'Give every part the same class folders.',
      });
    }
    for (const [label, name] of classes.entries()) {
      const folder = join(path, name);
      const images = present.includes(name) ? imagesIn(folder) : [];
      if (images.length === 0) {
        throw invalidInput(`the class folder ${folder} has no images`, {
          hint: `Add images (${[...imageExtensions].join(', ')}) or remove the class.`,
        });
      }
      for (const image of images) files.push({ path: image, label, split });
    }
  }
  return { classes, files };
}

async function decode(file: string, { size, channels }: ImageFolderOptions): Promise<Buffer> {
  // Loaded lazily: it is slow to load, and most processes decode no image.
  const { default: sharp } = await import('sharp');
  try {
    const { data, info } = await toPixels(sharp(file), [size, size, channels]).toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`it decodes to ${info.channels} channels instead of ${channels}`);
    return data;
  } catch (cause) {
    throw invalidInput(`the image ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Replace the file or remove it from the data set.',
    });
  }
}

async function decodeBlock(
  queue: PQueue,
  files: readonly ImageFile[],
  split: SplitName | null,
  options: ImageFolderOptions,
): Promise<ImageBlock> {
  const bytes = options.size * options.size * options.channels;
  const pixels = new Uint8Array(files.length * bytes);
  await queue.addAll(
    files.map(
      ({ path }, i) =>
        async () =>
          pixels.set(await decode(path, options), i * bytes),
    ),
  );
  return { pixels, labels: files.map(({ label }) => label), split };
}

/**
 * Opens image files in one folder per class (sorted names), at the top or inside train, val and test folders. A val folder
 * is the test split when there is no test folder. Files with other extensions are ignored.
 */
export function openImageFolder(directory: string, options: ImageFolderOptions): DataSource {
  requireFolder(directory, purpose);
  const { classes, files } = listImages(directory);
  const state = files.map(({ path }) => {
    const { size, mtimeNs } = statSync(path, { bigint: true });
    return [path.slice(directory.length), String(size), String(mtimeNs)];
  });
  const name = basename(resolve(directory));
  return {
    name,
    classes,
    height: options.size,
    width: options.size,
    channels: options.channels,
    count: files.length,
    fingerprint: contentHash('image-folder', name, options.size, options.channels, state),
    async *read(signal) {
      const queue = new PQueue({ concurrency: availableParallelism() });
      try {
        for (let start = 0; start < files.length;) {
          const split = files[start]?.split ?? null;
          let end = start;
          while (end < files.length && end < start + blockSize && files[end]?.split === split) end++;
          signal?.throwIfAborted();
          yield await decodeBlock(queue, files.slice(start, end), split, options);
          start = end;
        }
      } finally {
        queue.clear();
      }
    },
  };
}
