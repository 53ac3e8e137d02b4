import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';
import { ArtifactGone, StorageFailed, type Artifact, type Artifacts, type TransferOptions } from './artifact.js';
import { ContentFile, copyRest, writeContent } from './content-file.js';
import { FileHashes, KeyedQueue, type OpenFile } from './hashes.js';

/** A run's contents in a folder that all machines have under the same path: `<path>/<run>/<sha256>`. */
export class SharedFolder implements Artifacts {
  private readonly folder: string;
  private readonly hashes = new FileHashes();
  private readonly queue = new KeyedQueue();

  /**
   * @param make whether to create the run's folder. A worker does not: a missing folder means that it is not shared
   * @throws NasError `invalid-input` when the folder cannot be made
   */
  constructor(
    private readonly path: string,
    run: string,
    { make = true }: { readonly make?: boolean } = {},
  ) {
    if (!/^[\w-]+$/.test(run)) throw invalidInput(`${run} is no name of a run`);
    this.folder = join(path, run);
    if (!make) return;
    try {
      makeDirectory(this.folder);
    } catch (cause) {
      throw invalidInput(`the shared folder ${path} cannot be written: ${messageOf(cause)}`, { cause });
    }
  }

  async put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    this.checkThere();
    return this.hashes.putting(path, (file) => this.queue.run(file.artifact.sha256, () => this.copyIn(file, options)));
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    this.checkThere();
    await this.queue.run(path, async () => {
      if (await this.hashes.has(path, artifact)) return;
      const source = await open(join(this.folder, artifact.sha256), 'r').catch(() => {
        throw new ArtifactGone(artifact, `the shared folder ${this.path}`);
      });
      try {
        await writeContent(path, artifact, (target) => copyRest(source, target, options, artifact.bytes));
      } finally {
        await source.close();
      }
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  /** Removes the run's contents, once the run is complete. */
  removeRun(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async copyIn({ handle, artifact }: OpenFile, options: TransferOptions): Promise<void> {
    const target = join(this.folder, artifact.sha256);
    if ((await stat(target).catch(() => null))?.size !== artifact.bytes) {
      // Another machine may write the same content at the same time: each has a part of its own.
      const part = `${target}.${randomUUID()}.part`;
      const file = await ContentFile.open(target, artifact, part);
      try {
        await copyRest(handle, file, options, artifact.bytes);
        await file.finish();
      } finally {
        await file.close();
        await rm(part, { force: true });
      }
    }
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  private checkThere(): void {
    if (existsSync(this.folder)) return;
    throw new StorageFailed(
      `the shared folder ${this.path}, or that of the run in it, is not on this machine`,
      new Error('there is no such folder'),
    );
  }
}
