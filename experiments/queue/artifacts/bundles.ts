import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { isInside, type Artifacts, type Bundle, type FileIn, type TransferOptions } from './artifact.js';
import { isPart } from './content-file.js';

/** Temporary files of writers and downloads that were killed are not part of a folder's content. */
const isTemporary = (name: string): boolean => /\.\d+\.tmp$/.test(name) || isPart(name);

/**
 * Stores a file or folder. Of a folder: all regular files below it, also behind links, sorted by path; without temporary
 * files.
 * @throws NasError `invalid-input` for a missing path and for names that other systems cannot have; as `Artifacts.put`
 */
export async function bundleOf(path: string, artifacts: Artifacts, options: TransferOptions = {}): Promise<Bundle> {
  const kind = await kindOf(path);
  if (kind === 'other') throw invalidInput(`${path} is neither a file nor a folder`);
  if (kind === 'file') {
    const name = basename(path);
    checkName(path, name);
    return { kind, files: [{ path: name, ...(await artifacts.put(path, options)) }] };
  }
  const files: FileIn[] = [];
  for (const inside of (await filesBelow(path, '', [])).sort((a, b) => (a < b ? -1 : 1)))
    files.push({ path: inside, ...(await artifacts.put(join(path, inside), options)) });
  return { kind, files };
}

/** @throws NasError `invalid-input` when the path does not exist */
async function kindOf(path: string): Promise<'file' | 'folder' | 'other'> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  } catch (cause) {
    throw invalidInput(`${path}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function checkName(path: string, name: string): void {
  if (isInside(name) && !name.includes('\uFFFD')) return;
  throw invalidInput(`${path}: files of this name cannot be sent to other machines`, {
    hint: 'Rename it: names may have no colon and no backslash, and must be UTF-8.',
  });
}

/** @param above identities of the folders on the way here; a link to one of them would never end */
async function filesBelow(root: string, inside: string, above: readonly string[]): Promise<string[]> {
  const folder = join(root, inside);
  const { dev, ino } = await stat(folder);
  const here = `${dev} ${ino}`;
  if (above.includes(here)) throw invalidInput(`${folder} is a link to a folder that it is in`);
  const files: string[] = [];
  for (const name of await readdir(folder)) {
    if (isTemporary(name)) continue;
    checkName(join(folder, name), name);
    const path = inside === '' ? name : `${inside}/${name}`;
    const kind = await kindOf(join(root, path));
    if (kind === 'file') files.push(path);
    else if (kind === 'folder') files.push(...(await filesBelow(root, path, [...above, here])));
  }
  return files;
}
