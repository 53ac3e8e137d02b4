import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { invalidInput } from '../../../base/errors.js';
import { openFolder } from './folder.js';
import type { FileTree } from './files.js';
import { isTable } from './table.js';
import { openTar } from './tar.js';
import { openZip } from './zip.js';

const archives: readonly (readonly [RegExp, (path: string) => Promise<FileTree>])[] = [
  [/\.zip$/i, openZip],
  [/\.(tar|tar\.gz|tgz)$/i, openTar],
];
const insideArchive = /^(.*\.(?:zip|tar|tar\.gz|tgz))[/\\]/i;
const otherArchives = /\.(7z|rar|tar\.\w+|tbz2?|txz|bz2|xz|zst|gz)$/i;

export const isArchive = (path: string): boolean => archives.some(([name]) => name.test(path));
export const looksLikeArchive = (path: string): boolean => isArchive(path) || otherArchives.test(path);

/** The last part of a path without the extension of an archive: the name of a data set. */
export const nameOf = (path: string): string =>
  basename(resolve(path)).replace(/\.(zip|tar|tar\.gz|tgz)$/i, '') || 'images';

/**
 * Opens a folder or an archive (.zip, .tar, .tar.gz), which is read in place.
 * @param purpose what the folder or archive should contain, for messages
 * @param key of the experiment that names it
 * @throws NasError `invalid-input` when it is missing, damaged, of another format, or has entries outside of itself
 */
export async function openTree(path: string, purpose: string, key = 'data.path'): Promise<FileTree> {
  const hint = `${key} names the folder or archive (.zip, .tar, .tar.gz) with ${purpose}.`;
  const outer = insideArchive.exec(path)?.[1];
  if (outer !== undefined && !existsSync(path))
    throw invalidInput(`${path}: a folder inside an archive cannot be named`, {
      hint: `Unpack ${outer} and name the folder.`,
    });
  if (!existsSync(path)) throw invalidInput(`the data folder ${path} does not exist`, { hint });
  if (statSync(path).isDirectory()) return openFolder(path);
  const open = archives.find(([name]) => name.test(path))?.[1];
  if (open !== undefined) return open(path);
  if (otherArchives.test(path))
    throw invalidInput(`${path}: archives of this format cannot be read`, {
      hint: 'Unpack it and name the folder, or pack it as .zip or .tar.gz.',
    });
  throw invalidInput(`${path} is not a folder`, {
    hint:
      isTable(path) && key === 'data.path'
        ? `A table of images and labels is data: {type: list, path: ${path}}.`
        : hint,
  });
}
