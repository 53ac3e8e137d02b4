import { createHash, type Hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import type { Artifact } from './artifact.js';

/** A file that was opened, and its content: reading goes on in the same file when another one takes its place. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly artifact: Artifact;
}

/** At once from a disk; large enough that the way there costs little. */
export const chunkBytes = 2 ** 20;

/** So many files are remembered. */
const mostKnown = 50_000;
/** A file that changes while it is read is read again so often. */
const mostReadings = 3;

/**
 * The bytes of a file from `start` on, in large pieces, the next of which is read meanwhile. Unlike a stream of Node it
 * leaves the file open, whatever happens.
 */
export async function* chunksOf(handle: FileHandle, start = 0): AsyncGenerator<Buffer, void, undefined> {
  const read = async (position: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    return buffer.subarray(0, bytesRead);
  };
  let next = read(start);
  try {
    for (let position = start; ;) {
      const chunk = await next;
      if (chunk.byteLength === 0) return;
      position += chunk.byteLength;
      next = read(position);
      // Whoever takes the chunk hears of it when he asks for the next one.
      next.catch(() => undefined);
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

/** Adds the bytes of a file to a hash; returns how many there were. */
export async function hashFile(hash: Hash, handle: FileHandle): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunksOf(handle)) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return bytes;
}

/** Changes when a file does, or when another one takes its place. */
export const stampOf = ({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): string =>
  [size, mtimeNs, ctimeNs, ino, dev].join(' ');

/** The contents of files, each read once as long as it stays the same file of the same size and time. */
export class FileHashes {
  private readonly known = new Map<string, { readonly stamp: string; readonly artifact: Artifact }>();

  /** @throws the file system's error when the file cannot be read. */
  async of(path: string): Promise<Artifact> {
    const { handle, artifact } = await this.open(path);
    await handle.close();
    return artifact;
  }

  /** The caller closes the file. @throws as `of` */
  async open(path: string): Promise<OpenFile> {
    const handle = await open(path, 'r');
    try {
      return { handle, artifact: await this.contentOf(path, handle) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Opens a file to put its content somewhere, and closes it afterwards.
   * @throws NasError `invalid-input` when it cannot be read; what `put` throws
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

  /** Whether a file is there and has this content. */
  async has(path: string, { sha256, bytes }: Artifact): Promise<boolean> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch {
      return false;
    }
    try {
      return (await handle.stat()).size === bytes && (await this.contentOf(path, handle)).sha256 === sha256;
    } catch {
      return false;
    } finally {
      await handle.close();
    }
  }

  private async contentOf(path: string, handle: FileHandle): Promise<Artifact> {
    for (let reading = 0; reading < mostReadings; reading++) {
      const before = await handle.stat({ bigint: true });
      const known = this.known.get(path);
      if (known?.stamp === stampOf(before)) return known.artifact;
      const hash = createHash('sha256');
      const bytes = await hashFile(hash, handle);
      // When another file takes its place meanwhile, this one's ctime changes, and nothing of what is in it.
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
