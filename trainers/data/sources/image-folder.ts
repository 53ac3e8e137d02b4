import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import PQueue from 'p-queue';
import { invalidInput } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { Rendering } from '../../../base/preprocess.js';
import { decodeFile, renderingIdentity } from '../decode.js';
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

async function decodeBlock(
  queue: PQueue,
  files: readonly ImageFile[],
  split: SplitName | null,
  rendering: Rendering,
): Promise<ImageBlock> {
  const { size, channels } = rendering;
  const bytes = size[0] * size[1] * channels;
  const pixels = new Uint8Array(files.length * bytes);
  await queue.addAll(
    files.map(
      ({ path }, i) =>
        async () =>
          pixels.set(await decodeFile(path, rendering), i * bytes),
    ),
  );
  return { pixels, labels: files.map(({ label }) => label), split };
}

/**
 * Opens image files in one folder per class (sorted names), at the top or inside train, val and test folders. A val folder
 * is the test split when there is no test folder. Files with other extensions are ignored.
 */
export function openImageFolder(directory: string, rendering: Rendering): DataSource {
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
    height: rendering.size[0],
    width: rendering.size[1],
    channels: rendering.channels,
    count: files.length,
    fingerprint: contentHash('image-folder', name, ...renderingIdentity(rendering), state),
    async *read(signal) {
      const queue = new PQueue({ concurrency: availableParallelism() });
      try {
        for (let start = 0; start < files.length;) {
          const split = files[start]?.split ?? null;
          let end = start;
          while (end < files.length && end < start + blockSize && files[end]?.split === split) end++;
          signal?.throwIfAborted();
          yield await decodeBlock(queue, files.slice(start, end), split, rendering);
          start = end;
        }
      } finally {
        queue.clear();
      }
    },
  };
}
