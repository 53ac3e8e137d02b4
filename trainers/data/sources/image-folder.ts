import { resolve } from 'node:path';
import { contentHash } from '../../../base/hash.js';
import type { Rendering } from '../../../base/preprocess.js';
import { decodeImage, renderingIdentity } from '../decode.js';
import { readLayout } from '../reading/layout.js';
import type { Listing } from '../reading/listing.js';
import type { FileTree } from '../reading/files.js';
import { readList, type ListColumns } from '../reading/list.js';
import { nameOf, openTree } from '../reading/tree.js';
import type { FileSource } from './source.js';

const purpose = 'one folder per class, or train and test (or val) folders of such folders';

export interface ImageOptions {
  readonly rendering: Rendering;
  /** What happens when some of the images are damaged; default: refuse. */
  readonly damaged?: FileSource['damaged'] | undefined;
}

export interface ImageFolderOptions extends ImageOptions {
  /** The class folders, in the order of the labels; default: all, sorted. */
  readonly classes?: readonly string[] | undefined;
}

/** Opens the images in the class folders of a folder or an archive. @throws NasError `invalid-input` as `readLayout` does */
export async function openImageFolder(path: string, options: ImageFolderOptions): Promise<FileSource> {
  const tree = await openTree(path, purpose);
  return imageSource(tree, readLayout(tree, options.classes), options);
}

/** Opens the images in a table of paths and labels. @throws NasError `invalid-input` as `readList` does */
export async function openImageList(path: string, options: ImageOptions & ListColumns): Promise<FileSource> {
  const { tree, listing } = await readList(path, options);
  return imageSource(tree, listing, options);
}

/** The source of listed image files. */
export function imageSource(tree: FileTree, listing: Listing, options: ImageOptions): FileSource {
  const { rendering, damaged = 'refuse' } = options;
  const [height, width] = rendering.size;
  const identity = renderingIdentity(rendering);
  const name = nameOf(tree.path);
  const { classes, items, task = 'classification' } = listing;
  const state = items.map(({ file: { path, stamp }, label, targets = [], split, group, boxed }) => [
    path,
    stamp,
    label,
    split,
    group ?? null,
    ...targets,
    ...(boxed === undefined ? [] : [boxed]),
  ]);
  return {
    kind: 'files',
    name,
    ...(task !== 'classification' && { task }),
    classes,
    height,
    width,
    channels: rendering.channels,
    count: items.length + (listing.damaged?.length ?? 0),
    fingerprint: contentHash('images', name, ...identity, classes, state, ...(task === 'classification' ? [] : [task])),
    origin: contentHash('images', resolve(tree.path), ...identity),
    tree,
    listing,
    damaged,
    decode: (bytes) => decodeImage(bytes, rendering),
  };
}
