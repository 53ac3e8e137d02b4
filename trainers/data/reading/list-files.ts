import { groupBy } from '../../../base/group.js';
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import posix from 'node:path/posix';
import { stampOf, type StoredFile } from './files.js';
import { openFolder } from './folder.js';

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
