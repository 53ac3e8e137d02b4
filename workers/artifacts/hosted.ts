import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { sum } from '../../base/statistics.js';
import { ArtifactGone, StorageFailed, type Artifact, type Artifacts, type TransferOptions } from './artifact.js';
import { append, ContentFile, writeContent } from './content-file.js';
import { FileHashes, KeyedQueue, readFrom, type OpenFile } from './files.js';

export interface HostedOptions {
  /** Folder for uploads, on the disk of the run's folder; used by this coordinator alone. */
  readonly uploads: string;
  /** Bytes that uploads leave free on the disk; default 256 MiB. */
  readonly reserveBytes?: number;
  /** An upload without a byte for so long is given up, and another sender may continue it, in ms; default 20 s. */
  readonly silenceMs?: number;
}

/** An upload: complete, to be continued at `offset`, received from another sender, or too large for the disk. */
export interface UploadState {
  readonly state: 'complete' | 'partial' | 'busy' | 'full';
  /** Bytes that are there. */
  readonly offset: number;
}

/** Most uploads at the same time. */
const mostUploads = 64;
/** How far ahead an upload keeps room on the disk, in bytes: its sender may claim any length. */
const aheadBytes = 2 ** 26;
/** An upload that brings less in `silenceMs` is given up, too, in bytes. */
const leastBytes = 2 ** 16;

const day = 86_400_000;
/** How long an upload stays without a byte, and until it is collected: as long as results stay in the queue. */
const lives: readonly (readonly [name: RegExp, ms: number])[] = [
  [/^[0-9a-f]{64}\.part$/, day],
  [/^[0-9a-f]{64}$/, 7 * day],
];

/**
 * The store behind the coordinator's HTTP server. `put` registers a file where it is, and serves it as long as it is not
 * replaced. `get` moves an upload to its place.
 */
export class HostedArtifacts implements Artifacts {
  readonly silenceMs: number;
  private readonly uploads: string;
  private readonly reserveBytes: number;
  private readonly hashes = new FileHashes();
  /** The files of each content. */
  private readonly paths = new Map<string, Set<string>>();
  private readonly queue = new KeyedQueue();
  /** Bytes that the uploads under way have still to receive. */
  private readonly receiving = new Map<string, () => number>();

  constructor({ uploads, reserveBytes = 256 * 2 ** 20, silenceMs = 20_000 }: HostedOptions) {
    this.uploads = uploads;
    this.reserveBytes = reserveBytes;
    this.silenceMs = silenceMs;
  }

  /** Copies nothing: the file must stay as long as its content may be requested. */
  async put(path: string): Promise<Artifact> {
    const artifact = await this.hashes.putting(path, () => Promise.resolve());
    this.register(path, artifact.sha256);
    return artifact;
  }

  async get(artifact: Artifact, path: string, { signal }: TransferOptions = {}): Promise<void> {
    await this.queue.run(artifact.sha256, async () => {
      signal?.throwIfAborted();
      if (!(await this.hashes.has(path, artifact))) await this.place(artifact, path, signal);
      this.register(path, artifact.sha256);
    });
  }

  /** Opens a content; the caller closes it. Null when there is none. */
  async find(sha256: string): Promise<OpenFile | null> {
    const registered = this.paths.get(sha256) ?? new Set();
    for (const path of [...registered, this.upload(sha256)]) {
      const file = await this.hashes.open(path).catch(() => null);
      if (file?.artifact.sha256 === sha256) return file;
      await file?.handle.close();
      registered.delete(path);
    }
    return null;
  }

  async uploadState({ sha256, bytes }: Artifact): Promise<UploadState> {
    if ((await sizeOf(this.upload(sha256))) !== null) return { state: 'complete', offset: bytes };
    const offset = (await sizeOf(`${this.upload(sha256)}.part`)) ?? 0;
    if (this.receiving.has(sha256)) return { state: 'busy', offset };
    return { state: (await this.hasRoom(bytes - offset, sha256)) ? 'partial' : 'full', offset };
  }

  /**
   * Appends to an upload, from `offset`.
   * @throws WrongContent when the whole has another hash, and then nothing of it is kept; StorageFailed
   */
  async receive(artifact: Artifact, offset: number, body: AsyncIterable<Uint8Array>): Promise<UploadState> {
    const { sha256, bytes } = artifact;
    const before = await this.uploadState(artifact);
    // Another sender may have begun meanwhile.
    if (this.receiving.has(sha256) || this.receiving.size >= mostUploads) return { ...before, state: 'busy' };
    if (before.state !== 'partial' || before.offset !== offset) return before;
    this.receiving.set(sha256, () => bytes - offset);
    try {
      const file = await ContentFile.open(this.upload(sha256), artifact, `${this.upload(sha256)}.part`);
      try {
        if (file.bytes !== offset) return { state: 'partial', offset: file.bytes };
        this.receiving.set(sha256, () => bytes - file.bytes);
        try {
          const state = await this.fill(file, body);
          if (state !== 'complete') return { state, offset: file.bytes };
        } catch (error) {
          if (!isDisconnect(error)) throw error;
        }
        if (file.bytes < bytes) return { state: 'partial', offset: file.bytes };
        await file.finish();
        return { state: 'complete', offset: bytes };
      } finally {
        await file.close();
      }
    } finally {
      this.receiving.delete(sha256);
    }
  }

  /** Writes what arrives, until the disk is full or the sender is too slow. */
  private async fill(file: ContentFile, body: AsyncIterable<Uint8Array>): Promise<UploadState['state']> {
    const missing = (): number => file.artifact.bytes - file.bytes;
    let last = { at: performance.now(), bytes: file.bytes };
    let checked = file.bytes;
    for await (const chunk of body) {
      await file.write(chunk);
      if (file.bytes - checked >= aheadBytes / 2) {
        if (!(await this.hasRoom(Math.min(missing(), aheadBytes), file.artifact.sha256))) return 'full';
        checked = file.bytes;
      }
      const now = performance.now();
      if (now - last.at < this.silenceMs) continue;
      if (file.bytes - last.bytes < leastBytes && missing() > 0) return 'partial';
      last = { at: now, bytes: file.bytes };
    }
    return 'complete';
  }

  /** Removes unfinished uploads after a day without progress, and complete ones that were not collected for a week. */
  async expire(now: number): Promise<void> {
    for (const name of await readdir(this.uploads).catch(() => [])) {
      const life = lives.find(([pattern]) => pattern.test(name))?.[1] ?? Infinity;
      const path = join(this.uploads, name);
      const stats = await stat(path).catch(() => null);
      if (stats !== null && !this.receiving.has(name.slice(0, 64)) && now - stats.mtimeMs > life)
        await rm(path, { force: true });
    }
  }

  private upload(sha256: string): string {
    return join(this.uploads, sha256);
  }

  /** Whether the disk has room for so many bytes of a content, besides what the other uploads bring next. */
  private async hasRoom(bytes: number, own: string): Promise<boolean> {
    makeDirectory(this.uploads);
    const { bavail, bsize } = await statfs(this.uploads);
    const others = [...this.receiving].filter(([sha256]) => sha256 !== own);
    const coming = sum(others.map(([, missing]) => Math.min(aheadBytes, missing())));
    return bavail * bsize - coming - this.reserveBytes >= bytes;
  }

  private async place(artifact: Artifact, path: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      makeDirectory(dirname(path));
      await rename(this.upload(artifact.sha256), path);
      return;
    } catch (cause) {
      if (!['ENOENT', 'EXDEV'].includes(codeOf(cause))) throw new StorageFailed(path, cause);
    }
    // The upload is on another disk, or the content is registered under another path: it is copied.
    const file = await this.find(artifact.sha256);
    if (file === null) throw new ArtifactGone(artifact);
    try {
      await writeContent(path, artifact, (target) =>
        append(readFrom(file.handle, target.bytes, artifact.bytes), target, { signal, advance: () => undefined }),
      );
    } finally {
      await file.handle.close();
    }
    await rm(this.upload(artifact.sha256), { force: true });
  }

  private register(path: string, sha256: string): void {
    this.paths.set(sha256, (this.paths.get(sha256) ?? new Set()).add(path));
  }
}

/** Whether the sender of a request went away. */
const isDisconnect = (error: unknown): boolean => ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(codeOf(error));

const sizeOf = async (path: string): Promise<number | null> => (await stat(path).catch(() => null))?.size ?? null;
