import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import type { Artifact } from './artifact.js';
import { PartialFile } from './partial-file.js';

export interface UploadLimits {
  /** What is left free on the disk, in bytes. */
  readonly reserveBytes: number;
  /** After so long without a byte an upload is given up by its sender, and another one may go on, in ms. */
  readonly silenceMs: number;
}

/** What became of a part of an upload. */
export type UploadOutcome =
  | { readonly state: 'complete' }
  /** Broken off, or begun at another place than where the last one ended: it goes on at `offset`. */
  | { readonly state: 'partial'; readonly offset: number }
  /** Somebody else sends it. */
  | { readonly state: 'busy'; readonly offset: number };

const day = 86_400_000;
const unfinishedLife = day;
/** As long as answers stay in the queue, which name them. */
const completeLife = 7 * day;

const whole = /^[0-9a-f]{64}$/;
const part = /^[0-9a-f]{64}\.part$/;

/** Contents that others send, as files of a folder until they are taken: whole ones under their hash, others beside. */
export class Uploads {
  /** Bytes that are still to come, of those that are being sent. */
  private readonly coming = new Map<string, () => number>();

  constructor(
    private readonly folder: string,
    readonly limits: UploadLimits,
  ) {
    makeDirectory(folder);
  }

  file(sha256: string): string {
    return join(this.folder, sha256);
  }

  /** How much of a content is there, and whether somebody sends it. */
  async state({ sha256 }: Artifact): Promise<UploadOutcome> {
    if ((await sizeOf(this.file(sha256))) !== null) return { state: 'complete' };
    const offset = (await sizeOf(this.part(sha256))) ?? 0;
    return { state: this.coming.has(sha256) ? 'busy' : 'partial', offset };
  }

  /** Whether the disk has room for an upload, beside those that are being sent. */
  async hasRoom({ bytes }: Artifact, offset: number): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.folder);
    const others = [...this.coming.values()].reduce((sum, left) => sum + left(), 0);
    return bavail * bsize - others - this.limits.reserveBytes >= bytes - offset;
  }

  /**
   * Takes what is sent from `offset` on.
   * @throws WrongContent when all is there and is not what it should be: nothing is kept of it; StorageFailed
   */
  async receive(artifact: Artifact, offset: number, body: AsyncIterable<Uint8Array>): Promise<UploadOutcome> {
    const { sha256, bytes } = artifact;
    const before = await this.state(artifact);
    if (before.state !== 'partial' || this.coming.has(sha256)) return before;
    this.coming.set(sha256, () => bytes - before.offset);
    try {
      const file = await PartialFile.open(this.file(sha256), artifact, this.part(sha256));
      try {
        if (file.bytes !== offset) return { state: 'partial', offset: file.bytes };
        this.coming.set(sha256, () => bytes - file.bytes);
        try {
          for await (const chunk of body) await file.write(chunk);
        } catch (error) {
          if (!isBroken(error)) throw error;
        }
        if (file.bytes < bytes) return { state: 'partial', offset: file.bytes };
        await file.finish();
        return { state: 'complete' };
      } finally {
        await file.close();
      }
    } finally {
      this.coming.delete(sha256);
    }
  }

  /** Removes what nobody went on with, and what nobody took. */
  async expire(now: number): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const life = whole.test(name) ? completeLife : part.test(name) ? unfinishedLife : Infinity;
      const path = join(this.folder, name);
      const stats = await stat(path).catch(() => null);
      if (stats !== null && !this.coming.has(name.slice(0, 64)) && now - stats.mtimeMs > life)
        await rm(path, { force: true });
    }
  }

  /** Gives a whole upload another place. @throws the file system's error, `EXDEV` when that is on another disk */
  async move(sha256: string, path: string): Promise<void> {
    await rename(this.file(sha256), path);
  }

  private part(sha256: string): string {
    return `${this.file(sha256)}.part`;
  }
}

/** What Node tells of a request whose sender went away. */
const isBroken = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code));

const sizeOf = async (path: string): Promise<number | null> => (await stat(path).catch(() => null))?.size ?? null;
