import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';
import type { Artifact } from './artifact.js';
import type { Artifacts, TransferOptions } from './artifacts.js';
import { ArtifactGone, StorageFailed } from './failures.js';
import { FileHashes, type OpenFile } from './hashes.js';
import { copyRest, writeContent } from './partial-file.js';
import { Turns } from './turns.js';
import { Uploads, type UploadLimits } from './uploads.js';

export interface HostedOptions extends Partial<UploadLimits> {
  /** Folder for what others send, on the disk where it will be taken to; of one coordinator alone. */
  readonly uploads: string;
}

/**
 * The coordinator's side of its own HTTP server: what it puts stays where it is and can be fetched by its hash, as long as
 * the file is not replaced; what it gets was sent by others, and is renamed into its place.
 */
export class HostedArtifacts implements Artifacts {
  readonly uploads: Uploads;
  private readonly hashes = new FileHashes();
  private readonly paths = new Map<string, Set<string>>();
  private readonly contents = new Map<string, string>();
  private readonly turns = new Turns();

  constructor({ uploads, reserveBytes = 256 * 2 ** 20, silenceMs = 20_000 }: HostedOptions) {
    this.uploads = new Uploads(uploads, { reserveBytes, silenceMs });
  }

  /** Nothing is copied: the file must stay as long as its content may be asked for. */
  async put(path: string): Promise<Artifact> {
    let artifact: Artifact;
    try {
      artifact = await this.hashes.of(path);
    } catch (cause) {
      throw invalidInput(`${path}: cannot be read: ${messageOf(cause)}`, { cause });
    }
    this.register(path, artifact.sha256);
    return artifact;
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    await this.turns.run(artifact.sha256, async () => {
      options.signal?.throwIfAborted();
      if (!(await this.hashes.has(path, artifact))) await this.place(artifact, path, options);
      this.register(path, artifact.sha256);
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  /** A content for whoever asks; the caller closes the file. Null: nobody has it. */
  async find(sha256: string): Promise<OpenFile | null> {
    for (const path of [...(this.paths.get(sha256) ?? []), this.uploads.file(sha256)]) {
      const file = await this.hashes.open(path).catch(() => null);
      if (file === null) continue;
      if (file.artifact.sha256 === sha256) return file;
      await file.handle.close();
    }
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async place(artifact: Artifact, path: string, options: TransferOptions): Promise<void> {
    try {
      makeDirectory(dirname(path));
      await this.uploads.move(artifact.sha256, path);
      return;
    } catch (cause) {
      // What is on another disk, or is here under another path, is copied.
      if (!isAbsent(cause)) throw new StorageFailed(path, cause);
    }
    const file = await this.find(artifact.sha256);
    if (file === null) throw new ArtifactGone(artifact, 'the run');
    try {
      await writeContent(path, artifact, (target) => copyRest(file.handle, target, options, artifact.bytes));
    } finally {
      await file.handle.close();
    }
    await rm(this.uploads.file(artifact.sha256), { force: true });
  }

  private register(path: string, sha256: string): void {
    const earlier = this.contents.get(path);
    if (earlier === sha256) return;
    if (earlier !== undefined) {
      const others = this.paths.get(earlier);
      others?.delete(path);
      if (others?.size === 0) this.paths.delete(earlier);
    }
    this.contents.set(path, sha256);
    const paths = this.paths.get(sha256) ?? new Set();
    this.paths.set(sha256, paths.add(path));
  }
}

/** Whether a rename failed for what is to be renamed: it is not there, or on another disk. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EXDEV');
