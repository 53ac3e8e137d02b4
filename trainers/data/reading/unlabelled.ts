import { basename } from 'node:path';
import { invalidInput } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import type { DamagedFile, FileTree, SkippedFile, StoredFile } from './files.js';
import { folderTree, imagesBelow, unreadableText } from './folder-tree.js';
import { imageColumns } from './list.js';
import { finder, openTable } from './list-files.js';
import type { Listing } from './listing.js';
import { readableText } from './names.js';
import { columnOf } from './table.js';
import { openTree } from './tree.js';

const key = 'data.unlabelled';

/**
 * Lists images without labels: all images of a folder or an archive, in any sub-folders, or the images that a table names. Class
 * folders and labels are ignored.
 * @param image column of the paths in a table that has it; default: the usual names
 * @throws NasError `invalid-input` when there is no image
 */
export async function readUnlabelled(path: string, image?: string): Promise<{ tree: FileTree; listing: Listing }> {
  const found = (await inTable(path, image)) ?? (await inTree(path));
  const { tree, files, ...others } = found;
  const items = files.map((file) => ({ file, label: 0, split: null }));
  if (items.length === 0)
    throw invalidInput(
      `${path} has no images${found.unreadable === '' ? '' : ` that can be read (${found.unreadable})`}`,
      {
        hint: `${key} names a folder, archive or table of images (${readableText}) without labels.`,
      },
    );
  return { tree, listing: { classes: [], items, ...others } };
}

interface Found extends Pick<Listing, 'skipped' | 'damaged' | 'notes'> {
  readonly tree: FileTree;
  readonly files: readonly StoredFile[];
  /** Image files in formats that cannot be read. */
  readonly unreadable: string;
}

async function inTree(path: string): Promise<Found> {
  const tree = await openTree(path, 'images without labels', key);
  const { root, skipped } = folderTree(tree);
  return { tree, files: imagesBelow(root), skipped, notes: [], unreadable: unreadableText(root) };
}

async function inTable(path: string, image: string | undefined): Promise<Found | null> {
  const opened = await openTable(path);
  if (opened === null) return null;
  const { table, tree } = opened;
  const named = image !== undefined && table.columns.includes(image) ? image : undefined;
  const column = columnOf(table, 'image', named, imageColumns);
  const find = finder(opened.files);
  const files = new Map<string, StoredFile>();
  const skipped: SkippedFile[] = [];
  const damaged: DamagedFile[] = [];
  for (const { cells, line } of table.rows) {
    const name = cells[column];
    if (name === '') continue;
    const file = find(name, '');
    if (file === null)
      damaged.push({ path: name, cause: 'missing', message: `line ${line} of ${basename(path)} names it` });
    else if (files.has(file.path)) skipped.push({ path: file.path, cause: 'repeated' });
    else files.set(file.path, file);
  }
  const notes = [`${path}: ${counted(table.rows.length, 'row')}, ${table.format}; image: ${table.columns[column]}.`];
  return { tree, files: [...files.values()], skipped, damaged, notes, unreadable: '' };
}
