import { existsSync } from 'node:fs';
import { messageOf, NasError } from '../../../base/errors.js';
import { StorageFailure } from '../../runner/jobs/job-runner.js';
import { toPlainError } from '../../runner/jobs/messages.js';
import { ArtifactGone, StorageFailed } from '../artifacts/artifact.js';
import type { Artifact, Artifacts, Bundle, FileIn } from '../artifacts/artifact.js';
import type { BundleCache, UsedBundle } from '../artifacts/cache.js';
import type { FileHashes } from '../artifacts/hashes.js';
import type { Folders } from '../transport/messages.js';
import type { Supply } from './job-place.js';

/** The run's files cannot be reached, or not be written where the run is; a later attempt may succeed. */
export class FilesUnreachable extends NasError {
  constructor(cause: unknown) {
    super('failure', `the files of the run cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

/** Transfers the files of one job. Throws FilesUnreachable, ArtifactGone, StorageFailure, or `interrupted`. */
export class JobTransfers implements Supply {
  constructor(
    private readonly artifacts: Artifacts,
    private readonly cache: Pick<BundleCache, 'use'>,
    private readonly hashes: Pick<FileHashes, 'has'>,
    private readonly signal: AbortSignal,
  ) {}

  bundle(bundle: Bundle): Promise<UsedBundle> {
    const { signal } = this;
    return this.explained(this.cache.use(bundle, this.artifacts, { signal }), true);
  }

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

export interface UploadOptions {
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

  /** A file exists; it is uploaded unless it already was. */
  addMissing(file: FolderFile): void {
    if (!this.uploaded.has(keyOf(file))) this.add(file);
  }

  /** The files in the job's folders, once all are uploaded. @throws errors of `put` */
  async flush(): Promise<Folders> {
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
        await this.options.onFiles(this.folders());
      }
    } catch {
      // Repeated with the next file; `flush` reports it.
    }
  }

  private async next(): Promise<void> {
    const [[key, file]] = this.waiting;
    this.waiting.delete(key);
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
    }
  }

  private folders(): Folders {
    const folders: Record<string, FileIn[]> = Object.fromEntries(this.symbols.map((symbol) => [symbol, []]));
    for (const { symbol, content } of this.uploaded.values()) (folders[symbol] ??= []).push(content);
    return folders;
  }
}
