import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { type Artifact, type Artifacts, type Bundle, type FileIn, isInside } from './artifact.js';

/** Where a download of a content to `path` gathers: in the same folder, under a name short enough for any file system. */
export const partOf = (path: string, { sha256 }: Artifact): string =>
  join(dirname(path), `.${contentHash(basename(path)).slice(0, 16)}.${sha256.slice(0, 16)}.part`);

/** Whether `partOf` made a file name. */
const isPart = (name: string): boolean => /^\.[0-9a-f]{16}\.[0-9a-f]{16}\.part$/.test(name);

/** An open file and its content. Reading continues in this file even when another one takes its path. */
export interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly artifact: Artifact;
}

/** Bytes of one read from a disk. */
const blockBytes = 2 ** 19;

/** Number of files whose hash is remembered. */
const mostKnown = 50_000;
/** Number of attempts to hash a file that changes meanwhile. */
const mostReadings = 3;

/**
 * The bytes of a file from `start` to `end`, which stays open. Each chunk overwrites the one before: with a buffer for each
 * chunk, garbage collection takes longer than reading.
 */
export async function* readFrom(handle: FileHandle, start = 0, end = Infinity): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, Math.max(0, end - start)));
  for (let position = start; position < end;) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.byteLength, end - position), position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/** Changes when a file is written or replaced. */
const stampOf = ({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): string =>
  [size, mtimeNs, ctimeNs, ino, dev].join(' ');

/** Hashes of files. Each file is read once, as long as its size, times and inode stay the same. */
export class FileHashes {
  private readonly known = new Map<string, { readonly stamp: string; readonly artifact: Artifact }>();

  /** Opens a file; the caller closes it. @throws the file system's error when the file cannot be read */
  async open(path: string): Promise<OpenFile> {
    const handle = await open(path, 'r');
    try {
      return { path, handle, artifact: await this.contentOf(path, handle) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Opens a file while its content is stored elsewhere.
   * @throws NasError `invalid-input` when it cannot be read; errors of `put`
   */
  async putting(path: string, put: (file: OpenFile) => Promise<void>): Promise<Artifact> {
    const file = await this.open(path).catch((cause: unknown) => {
      throw invalidInput(`${path}: cannot be read: ${messageOf(cause)}`, { cause });
    });
    try {
      await put(file);
      return file.artifact;
    } finally {
      await file.handle.close();
    }
  }

  /** Whether a file exists and has this content. */
  async has(path: string, { sha256, bytes }: Artifact): Promise<boolean> {
    // The size alone tells most files apart, without reading.
    if ((await stat(path).catch(() => null))?.size !== bytes) return false;
    const file = await this.open(path).catch(() => null);
    await file?.handle.close();
    return file?.artifact.sha256 === sha256;
  }

  private async contentOf(path: string, handle: FileHandle): Promise<Artifact> {
    for (let reading = 0; reading < mostReadings; reading++) {
      const before = await handle.stat({ bigint: true });
      const known = this.known.get(path);
      if (known?.stamp === stampOf(before)) return known.artifact;
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of readFrom(handle)) {
        hash.update(chunk);
        bytes += chunk.byteLength;
      }
      // Replacing the file by a rename changes its ctime only, not its content.
      const after = await handle.stat({ bigint: true });
      if (bytes !== Number(after.size) || before.mtimeNs !== after.mtimeNs) continue;
      const artifact = { sha256: hash.digest('hex'), bytes };
      this.remember(path, stampOf(after), artifact);
      return artifact;
    }
    throw new NasError('failure', `${path} is written while it is read`);
  }

  private remember(path: string, stamp: string, artifact: Artifact): void {
    this.known.delete(path);
    this.known.set(path, { stamp, artifact });
    if (this.known.size <= mostKnown) return;
    const [oldest] = this.known.keys();
    this.known.delete(oldest);
  }
}

/** Runs tasks with the same key one after the other, and others at the same time. */
export class KeyedQueue {
  private readonly last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const own = (async () => {
      await before?.catch(() => undefined);
      return await task();
    })();
    this.last.set(key, own);
    try {
      return await own;
    } finally {
      if (this.last.get(key) === own) this.last.delete(key);
    }
  }
}

/** Temporary files of writers and downloads that were killed are not part of a folder's content. */
const isTemporary = (name: string): boolean => /\.\d+\.tmp$/.test(name) || isPart(name);

/**
 * Stores a file or folder. Of a folder: all regular files below it, also behind links, sorted by path; without temporary
 * files.
 * @throws NasError `invalid-input` for a missing path and for names that other systems cannot have; as `Artifacts.put`
 */
export async function bundleOf(path: string, artifacts: Pick<Artifacts, 'put'>): Promise<Bundle> {
  const kind = await kindOf(path);
  if (kind === 'other') throw invalidInput(`${path} is neither a file nor a folder`);
  if (kind === 'file') {
    const name = basename(path);
    checkName(path, name);
    return { kind, files: [{ path: name, ...(await artifacts.put(path)) }] };
  }
  const files: FileIn[] = [];
  for (const inside of (await filesBelow(path, '', [])).sort((a, b) => (a < b ? -1 : 1)))
    files.push({ path: inside, ...(await artifacts.put(join(path, inside))) });
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
