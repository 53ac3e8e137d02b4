import { createHash } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../base/files.js';
import { ArtifactGone, StorageFailed, WrongContent, type Artifact } from './artifact.js';
import { partOf, readFrom } from './files.js';

/** After so many bytes, the disk is asked to store them while the next ones come. */
const syncBytes = 2 ** 25;

/**
 * A file under construction beside its place. `finish` verifies it, syncs it to the disk and renames it. A part that its
 * writer leaves, or leaves by dying, is continued by the next one. One writer at a time for each place.
 */
export class ContentFile {
  private readonly hash = createHash('sha256');
  private unsynced = 0;
  private syncing: Promise<void> = Promise.resolve();
  private failure: StorageFailed | undefined;
  private isOpen = true;
  /** Bytes of the file so far. */
  bytes: number;

  private constructor(
    private readonly path: string,
    readonly artifact: Artifact,
    private readonly part: string,
    private readonly handle: FileHandle,
    /** Bytes that an earlier writer left. */
    readonly left: number,
  ) {
    this.bytes = left;
  }

  /** @throws StorageFailed */
  static async open(path: string, artifact: Artifact, part = partOf(path, artifact)): Promise<ContentFile> {
    try {
      makeDirectory(dirname(path));
      const handle = await open(part, 'a+');
      try {
        const { size } = await handle.stat();
        const left = size > artifact.bytes ? 0 : size;
        if (left < size) await handle.truncate(0);
        const file = new ContentFile(path, artifact, part, handle, left);
        for await (const chunk of readFrom(handle, 0, left)) file.hash.update(chunk);
        return file;
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (cause) {
      throw new StorageFailed(path, cause);
    }
  }

  /** Appends bytes, which may be overwritten afterwards. @throws StorageFailed; WrongContent when there are too many */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.bytes + chunk.byteLength > this.artifact.bytes) throw await this.refuse();
    if (this.failure !== undefined) throw this.failure;
    this.hash.update(chunk);
    try {
      await this.handle.appendFile(chunk);
    } catch (error) {
      throw this.fail(error);
    }
    this.bytes += chunk.byteLength;
    if ((this.unsynced += chunk.byteLength) < syncBytes) return;
    this.unsynced = 0;
    this.syncing = this.syncing.then(() => this.handle.datasync()).catch((error: unknown) => void this.fail(error));
  }

  /** Puts the file in its place. @throws WrongContent, and then nothing of it is kept; StorageFailed */
  async finish(): Promise<void> {
    if (this.bytes !== this.artifact.bytes || this.hash.digest('hex') !== this.artifact.sha256)
      throw await this.refuse();
    await this.syncing;
    if (this.failure !== undefined) throw this.failure;
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

  /** Keeps the part for the next writer. Safe to call twice. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.syncing;
    await this.handle.close();
    // On a full disk, the space of the part is worth more.
    if (this.failure !== undefined || this.bytes === 0) await rm(this.part, { force: true });
  }

  /** Removes the part. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.part, { force: true });
  }

  private fail(error: unknown): StorageFailed {
    return (this.failure = new StorageFailed(this.path, error));
  }

  private async refuse(): Promise<WrongContent> {
    await this.discard();
    return new WrongContent(this.path, this.artifact);
  }
}

export interface Transfer {
  readonly signal: AbortSignal | undefined;
  /** Called with the bytes of the content that are there. */
  readonly advance: (done: number) => void;
}

/** The place cannot be reached at the moment; a later attempt may succeed. */
export class Unreachable extends Error {}

/** Appends to a file what it lacks. */
export async function append(
  chunks: AsyncIterable<Uint8Array>,
  target: ContentFile,
  { signal, advance }: Transfer,
): Promise<void> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    await target.write(chunk);
    advance(target.bytes);
  }
}

/**
 * Writes a content to its place; `fill` appends what an earlier attempt has not left. When that rest turns out to be
 * damaged, everything is transferred again.
 * @throws WrongContent, StorageFailed, and errors of `fill`
 */
export async function writeContent(
  path: string,
  artifact: Artifact,
  fill: (file: ContentFile) => Promise<void>,
): Promise<void> {
  for (;;) {
    const file = await ContentFile.open(path, artifact);
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
