import { readdirSync, realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { largestFile, stampOf, type FileTree, type SkippedFile, type StoredFile } from './files.js';
import { compareNames } from './names.js';

/** Reads files by their paths from a folder. */
export const diskReader = (directory: string): FileTree['read'] =>
  function* (files) {
    for (const [index, { path }] of files.entries()) yield { index, load: () => readFile(resolve(directory, path)) };
  };

/** Lists a folder with all its sub-folders. Links are followed; one that leads back to a folder around it is left out. */
export function openFolder(directory: string): FileTree {
  const files: StoredFile[] = [];
  const skipped: SkippedFile[] = [];
  const emptyFolders: string[] = [];
  const visit = (folder: string, parents: readonly string[]): void => {
    const before = files.length + skipped.length;
    for (const name of readdirSync(join(directory, folder)).sort(compareNames)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const full = join(directory, path);
      const found = statSync(full, { bigint: true, throwIfNoEntry: false });
      if (found?.isDirectory() === true) {
        const real = realpathSync(full);
        if (parents.includes(real)) skipped.push({ path, cause: 'link' });
        else visit(path, [...parents, real]);
      } else if (found?.isFile() !== true) skipped.push({ path, cause: 'link' });
      else if (found.size > largestFile) skipped.push({ path, cause: 'size' });
      else files.push({ path, stamp: stampOf(found) });
    }
    if (files.length + skipped.length === before && folder !== '') emptyFolders.push(folder);
  };
  visit('', [realpathSync(directory)]);
  return {
    path: directory,
    files,
    emptyFolders,
    skipped,
    read: diskReader(directory),
  };
}
