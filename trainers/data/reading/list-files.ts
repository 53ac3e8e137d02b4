import { groupBy } from '../../../base/group.js';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import posix from 'node:path/posix';
import { stampOf, type FileTree, type StoredFile } from './files.js';
import { diskReader, openFolder } from './folder.js';
import { isTable, readTable, type Table } from './table.js';

/** The files that a list may name. */
export interface Files {
  /** The file of a path, or null. */
  at(path: string): StoredFile | null;
  /** All files, for images that are not where the list says. */
  all(): readonly StoredFile[];
}

export function filesOnDisk(folder: string): Files {
  let all: readonly StoredFile[] | undefined;
  return {
    at(path) {
      const found = statSync(resolve(folder, path), { bigint: true, throwIfNoEntry: false });
      return found?.isFile() === true ? { path, stamp: stampOf(found) } : null;
    },
    all: () => (all ??= openFolder(folder).files),
  };
}

/** A table on disk, and the folder around it, which may hold far more than its images; null for any other path. */
export async function openTable(path: string): Promise<{ table: Table; tree: FileTree; files: Files } | null> {
  if (!isTable(path) || !existsSync(path) || !statSync(path).isFile()) return null;
  const folder = dirname(path);
  const tree = { path: folder, files: [], emptyFolders: [], skipped: [], read: diskReader(folder) };
  return { table: readTable(path, await readFile(path)), tree, files: filesOnDisk(folder) };
}

const extensions = ['', '.jpg', '.jpeg', '.png', '.JPG', '.JPEG', '.PNG', '.webp', '.tif', '.tiff'];

/**
 * Finds the file of an image in a list: at the path, at the path with an extension, or the only file whose path ends so.
 * @returns a function of the path as written, the folder of the list, and which of several files belong to it; default: none
 */
export function finder(
  files: Files,
): (image: string, folder: string, isOwn?: (file: StoredFile) => boolean) => StoredFile | null {
  let byName: Map<string, StoredFile[]> | undefined;
  const namesakes = (name: string): StoredFile[] => {
    byName ??= groupBy(files.all(), ({ path }) => posix.basename(path));
    return byName.get(name) ?? [];
  };
  return (image, folder, isOwn = () => false) => {
    const written = posix.normalize(image.replaceAll('\\', '/'));
    const path = isAbsolute(written) ? written : posix.join(folder, written);
    for (const extension of extensions) {
      const file = files.at(path + extension);
      if (file !== null) return file;
    }
    for (const extension of extensions) {
      const found = namesakes(posix.basename(written) + extension).filter((file) =>
        `/${file.path}`.endsWith(posix.join('/', written) + extension),
      );
      const own = found.length > 1 ? found.filter(isOwn) : found;
      if (own.length === 1) return own[0];
    }
    return null;
  };
}
