import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import type { Artifact } from './artifact.js';
import type { TransferOptions } from './artifacts.js';
import { ArtifactGone, StorageFailed, WrongContent } from './failures.js';
import { chunksOf, hashFile } from './hashes.js';

/** Where a content is gathered before it is whole: beside its place, under a name that is short enough everywhere. */
export const partOf = (path: string, { sha256 }: Artifact): string =>
  join(dirname(path), `.${contentHash(basename(path)).slice(0, 16)}.${sha256.slice(0, 16)}.part`);

/** At once to a disk. Of a whole MiB, a Linux with large folios takes several times the processor time, looking for memory. */
const blockBytes = 2 ** 18;

/** Whether a file of this name is such a part. */
export const isPart = (name: string): boolean => /^\.[0-9a-f]{16}\.[0-9a-f]{16}\.part$/.test(name);

/**
 * A file that is written bit by bit beside its place, and takes it when all of it is there and is what it should be. What
 * was written stays when its writer ends or dies, and the next one goes on from there. One at a time writes to a place.
 */
export class PartialFile {
  private readonly hash = createHash('sha256');
  /** What comes is copied: pieces that live until they are written cost more in garbage than everything else. */
  private readonly blocks: [Buffer, Buffer];
  /** Bytes of the first block that wait to be written. */
  private waiting = 0;
  private written: number;
  private writing: Promise<unknown> = Promise.resolve();
  private failure: unknown;
  private isOpen = true;

  private constructor(
    private readonly path: string,
    private readonly artifact: Artifact,
    private readonly part: string,
    private readonly handle: FileHandle,
    /** Bytes that an earlier writer has left. */
    readonly left: number,
  ) {
    this.written = left;
    const size = Math.min(blockBytes, artifact.bytes - left);
    this.blocks = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  }

  /** @throws StorageFailed when it cannot be written. */
  static async open(path: string, artifact: Artifact, part = partOf(path, artifact)): Promise<PartialFile> {
    try {
      makeDirectory(dirname(path));
      const handle = await open(part, constants.O_RDWR | constants.O_CREAT, 0o666);
      try {
        const { size } = await handle.stat();
        if (size > artifact.bytes) await handle.truncate(0);
        const left = size > artifact.bytes ? 0 : size;
        const file = new PartialFile(path, artifact, part, handle, left);
        if (left > 0) await hashFile(file.hash, handle);
        return file;
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (cause) {
      throw new StorageFailed(path, cause);
    }
  }

  /** How much of the content is there. */
  get bytes(): number {
    return this.written + this.waiting;
  }

  /**
   * Adds what comes next, of which nothing is needed afterwards; returns when more may come.
   * @throws StorageFailed; WrongContent when it is more than there should be
   */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.bytes + chunk.byteLength > this.artifact.bytes) throw await this.refuse();
    for (let done = 0; done < chunk.byteLength;) {
      const [block] = this.blocks;
      const part = chunk.subarray(done, done + block.byteLength - this.waiting);
      block.set(part, this.waiting);
      done += part.byteLength;
      this.waiting += part.byteLength;
      if (this.waiting < block.byteLength) continue;
      await this.settle();
      this.flush();
    }
  }

  /**
   * Puts the file in its place.
   * @throws WrongContent when it is not what it should be: then nothing is left of it; StorageFailed
   */
  async finish(): Promise<void> {
    await this.settle();
    this.flush();
    await this.settle();
    if (this.written !== this.artifact.bytes || this.hash.digest('hex') !== this.artifact.sha256)
      throw await this.refuse();
    try {
      await this.handle.sync();
      const [{ ino }, there] = await Promise.all([this.handle.stat(), stat(this.part)]);
      if (there.ino !== ino) throw new Error('another process writes it, too');
      await rename(this.part, this.path);
    } catch (cause) {
      throw new StorageFailed(this.path, cause);
    }
    await this.close();
  }

  /** Keeps what is there for the next one; safe to call twice. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.writing;
    if (this.failure === undefined) {
      this.flush();
      await this.writing;
    }
    await this.handle.close();
    // What a full disk has taken is of more use as room.
    if (this.failure !== undefined || this.bytes === 0) await rm(this.part, { force: true });
  }

  /** Hashing what comes and writing what came go on at the same time. */
  private flush(): void {
    const { waiting, written } = this;
    if (waiting === 0) return;
    const [block, other] = this.blocks;
    this.blocks.splice(0, 2, other, block);
    const full = block.subarray(0, waiting);
    this.waiting = 0;
    this.written += waiting;
    this.writing = this.writeAll(full, written).catch((error: unknown) => (this.failure ??= error));
    this.hash.update(full);
  }

  private async writeAll(bytes: Uint8Array, position: number): Promise<void> {
    // The system may take fewer at once.
    for (let done = 0; done < bytes.byteLength;)
      done += (await this.handle.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }

  private async settle(): Promise<void> {
    await this.writing;
    if (this.failure !== undefined) throw new StorageFailed(this.path, this.failure);
  }

  /** Leaves nothing: there is no rest to go on with. */
  async discard(): Promise<void> {
    this.waiting = 0;
    await this.close();
    await rm(this.part, { force: true });
  }

  private async refuse(): Promise<WrongContent> {
    await this.discard();
    return new WrongContent(this.path, this.artifact);
  }
}

/** Adds what is missing from a file that has it. */
export async function copyRest(
  source: FileHandle,
  target: PartialFile,
  { signal, onProgress }: TransferOptions,
  total: number,
): Promise<void> {
  for await (const chunk of chunksOf(source, target.bytes)) {
    signal?.throwIfAborted();
    await target.write(chunk);
    onProgress?.(target.bytes, total);
  }
}

/**
 * Writes a content to its place: `fill` adds what is missing. What an earlier writer has left is used; when it turns out to
 * be damaged, everything is asked for once more.
 * @throws WrongContent, StorageFailed, and what `fill` throws
 */
export async function writeContent(
  path: string,
  artifact: Artifact,
  fill: (file: PartialFile) => Promise<void>,
): Promise<void> {
  for (;;) {
    const file = await PartialFile.open(path, artifact);
    try {
      await fill(file);
      await file.finish();
      return;
    } catch (error) {
      if (error instanceof ArtifactGone) await file.discard();
      if (!(error instanceof WrongContent && file.left > 0)) throw error;
    } finally {
      await file.close();
    }
  }
}
