import { existsSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, NasError } from '../../../base/errors.js';
import { checkWritable, makeDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import { takeLock } from '../../../base/lock.js';
import { bytes as inBytes } from '../../../base/number-text.js';
import { StorageFailure } from '../../runner/jobs/job-runner.js';
import { toPlainError } from '../../runner/jobs/messages.js';
import {
  type Artifact,
  ArtifactGone,
  type Artifacts,
  type Bundle,
  type FileIn,
  StorageFailed,
} from '../artifacts/artifact.js';
import type { BundleCache, UsedBundle } from '../artifacts/cache.js';
import type { FileHashes } from '../artifacts/files.js';
import type { Folders } from '../transport/messages.js';

/** The folder in which this process does a job. */
export interface JobFolder {
  readonly path: string;
  /** Keeps its files for when the job comes back. */
  release(): void;
  remove(): void;
}

/** The files of a job that never came back are kept for a week, in ms. */
const keptMs = 7 * 24 * 3600 * 1000;

/** Folders of jobs, by the jobs' ids; all workers of a machine may share them. */
export class JobFolders {
  constructor(private readonly directory: string) {}

  /** The folder of a job, with the files of an earlier attempt; an empty one while another process has that. */
  open(id: string): JobFolder {
    const name = /^[0-9a-f]{8,64}$/.test(id) ? id : contentHash(id);
    for (let other = 0; ; other++) {
      const path = join(this.directory, other === 0 ? name : `${name}.${other}`);
      makeDirectory(path);
      const lock = takeLock(join(path, 'lock'));
      if (lock === null) continue;
      const release = (): void => lock.release();
      const remove = (): void => {
        release();
        rmSync(path, { recursive: true, force: true });
      };
      return { path, release, remove };
    }
  }

  /** Removes old folders. @param now in ms, of the clock that dates files */
  sweep(now: number): void {
    if (!existsSync(this.directory)) return;
    for (const name of readdirSync(this.directory)) {
      const path = join(this.directory, name);
      if (now - newest(path) <= keptMs) continue;
      const lock = takeLock(join(path, 'lock'));
      if (lock === null) continue;
      lock.release();
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** When something in a folder was last written, in ms; infinite when the folder is gone. */
function newest(path: string): number {
  try {
    return Math.max(statSync(path).mtimeMs, ...readdirSync(path).map((name) => statSync(join(path, name)).mtimeMs));
  } catch {
    return Infinity;
  }
}

/** Free space required after the disk was full once, in bytes; twice as much after each further time. */
const firstBytes = 256 * 2 ** 20;
/** The most that is required, as a share of the disk. */
const largestShare = 1 / 8;
/** Between two checks of a full disk, in ms. */
const checkMs = 30_000;

/** Watches a disk on which a job found no room, until there is room again. Other workers do the jobs meanwhile. */
export class DiskRoom {
  private timer: NodeJS.Timeout | undefined;
  private times = 0;
  private reason: string | null = null;

  constructor(
    private readonly directory: string,
    /** Called with the reason when the disk is full, and with null when there is room again. */
    private readonly onChange: (reason: string | null) => void,
  ) {}

  /** Why the worker takes no jobs; null: there is room. */
  get lacking(): string | null {
    return this.reason;
  }

  /** A job found the disk full. */
  full(message: string): void {
    const isNew = this.reason === null;
    this.reason = `its disk is full: ${message}`;
    if (!isNew) return;
    this.times++;
    this.timer = setInterval(() => this.check(), checkMs);
    this.onChange(this.reason);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    const missing = this.missing();
    this.reason = missing;
    if (missing !== null) return;
    clearInterval(this.timer);
    this.onChange(null);
  }

  private missing(): string | null {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.directory);
      const needed = Math.min(firstBytes * 2 ** (this.times - 1), blocks * bsize * largestShare);
      const free = bavail * bsize;
      if (free < needed) return `its disk is full: ${inBytes(free)} are free in ${this.directory}`;
      checkWritable(join(this.directory, 'probe'));
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** The run's files cannot be reached, or not be written where the run is; a later attempt may succeed. */
export class FilesUnreachable extends NasError {
  constructor(cause: unknown) {
    super('failure', `the files of the run cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

/** Transfers the files of one job. Throws FilesUnreachable, ArtifactGone, StorageFailure, or `interrupted`. */
export class JobTransfers {
  constructor(
    private readonly artifacts: Artifacts,
    private readonly cache: Pick<BundleCache, 'use'>,
    private readonly hashes: Pick<FileHashes, 'has'>,
    private readonly signal: AbortSignal,
  ) {}

  /** A file or folder by its content, read only. */
  bundle(bundle: Bundle): Promise<UsedBundle> {
    const { signal } = this;
    return this.explained(this.cache.use(bundle, this.artifacts, { signal }), true);
  }

  /** Writes a file. @returns false when the run does not have it any more */
  async fetch(file: FileIn, path: string): Promise<boolean> {
    const { signal } = this;
    try {
      await this.explained(this.artifacts.get(file, path, { signal }), true);
      return true;
    } catch (error) {
      if (error instanceof ArtifactGone) return false;
      throw error;
    }
  }

  /** Whether a file has this content. */
  holds(path: string, file: FileIn): Promise<boolean> {
    return this.hashes.has(path, file);
  }

  put(file: string): Promise<Artifact> {
    const { signal } = this;
    return this.explained(this.artifacts.put(file, { signal }), false);
  }

  /** @param isOwnDisk whether the transfer writes to this machine's disk */
  private async explained<T>(transfer: Promise<T>, isOwnDisk: boolean): Promise<T> {
    try {
      return await transfer;
    } catch (error) {
      if (this.signal.aborted) throw new NasError('interrupted', 'the job was cancelled');
      if (error instanceof ArtifactGone) throw error;
      const { storage, message, hint } = toPlainError(error);
      if (isOwnDisk && (storage === true || error instanceof StorageFailed))
        throw new StorageFailure(message, hint === undefined ? {} : { hint });
      throw new FilesUnreachable(error);
    }
  }
}

/** A file in one of a job's folders. */
export interface FolderFile {
  /** The folder's symbol. */
  readonly symbol: string;
  /** Path within the folder, with `/`. */
  readonly inside: string;
  /** Path on this machine. */
  readonly file: string;
}

interface UploadOptions {
  put(file: string): Promise<Artifact>;
  /** Called after each upload with the files in all folders. */
  onFiles(folders: Folders): Promise<void>;
  /** The path of a file on this machine. */
  locate(symbol: string, inside: string): string;
  readonly signal: AbortSignal;
}

const keyOf = ({ symbol, inside }: Pick<FolderFile, 'symbol' | 'inside'>): string => `${symbol}/${inside}`;

/**
 * Uploads the files that a job reports while it runs: one at a time, and of a file that is written often only the newest
 * version. A failed upload is repeated with the next file, or at the end.
 */
export class JobUploads {
  private readonly waiting = new Map<string, FolderFile>();
  private readonly uploaded = new Map<string, { readonly symbol: string; readonly content: FileIn }>();
  private readonly symbols: readonly string[];
  private working: Promise<void> | null = null;
  /** The key of the file that is being uploaded. */
  private uploading: string | null = null;
  private isFlushing = false;

  /** @param initial the files with which the job began, which are stored already */
  constructor(
    initial: Folders,
    private readonly options: UploadOptions,
  ) {
    this.symbols = Object.keys(initial);
    for (const [symbol, files] of Object.entries(initial))
      for (const content of files) this.uploaded.set(keyOf({ symbol, inside: content.path }), { symbol, content });
  }

  /** A file was written. */
  add(file: FolderFile): void {
    this.waiting.set(keyOf(file), file);
    this.working ??= this.work().finally(() => (this.working = null));
  }

  /** A file exists; it is uploaded unless it already was, or is being uploaded. */
  addMissing(file: FolderFile): void {
    const key = keyOf(file);
    if (!this.uploaded.has(key) && this.uploading !== key) this.add(file);
  }

  /** The files in the job's folders, once all are uploaded. @throws errors of `put` */
  async flush(): Promise<Folders> {
    this.isFlushing = true;
    await this.working;
    while (this.waiting.size > 0) await this.next();
    for (const [key, { symbol, content }] of this.uploaded)
      if (!existsSync(this.options.locate(symbol, content.path))) this.uploaded.delete(key);
    return this.folders();
  }

  private async work(): Promise<void> {
    try {
      while (this.waiting.size > 0 && !this.options.signal.aborted) {
        await this.next();
        // The caller of `flush` reports the last files.
        if (!this.isFlushing) await this.options.onFiles(this.folders());
      }
    } catch {
      // Repeated with the next file; `flush` reports it.
    }
  }

  private async next(): Promise<void> {
    const [[key, file]] = this.waiting;
    this.waiting.delete(key);
    this.uploading = key;
    try {
      const artifact = await this.options.put(file.file);
      this.uploaded.set(key, { symbol: file.symbol, content: { path: file.inside, ...artifact } });
    } catch (error) {
      // The job removes checkpoints that it no longer needs.
      if (!existsSync(file.file)) this.uploaded.delete(key);
      else {
        if (!this.waiting.has(key)) this.waiting.set(key, file);
        throw error;
      }
    } finally {
      this.uploading = null;
    }
  }

  private folders(): Folders {
    const folders: Record<string, FileIn[]> = Object.fromEntries(this.symbols.map((symbol) => [symbol, []]));
    for (const { symbol, content } of this.uploaded.values()) (folders[symbol] ??= []).push(content);
    return folders;
  }
}
