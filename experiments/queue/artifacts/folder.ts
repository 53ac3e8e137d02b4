import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';
import type { Artifact } from './artifact.js';
import type { Artifacts, TransferOptions } from './artifacts.js';
import { ArtifactGone, StorageFailed } from './failures.js';
import { FileHashes, type OpenFile } from './hashes.js';
import { copyRest, PartialFile, writeContent } from './partial-file.js';
import { Turns } from './turns.js';

export interface SharedFolderOptions {
  /** Whether the run's folder is made where it is missing; without, it must be there: a folder that is not shared is not. */
  readonly make?: boolean;
}

/** Files of a run in a folder that all machines have under the same path: `<path>/<run>/<sha256>`. */
export class SharedFolder implements Artifacts {
  private readonly folder: string;
  private readonly hashes = new FileHashes();
  private readonly turns = new Turns();
  private isThere = false;

  /** @throws NasError `invalid-input` when the run's folder cannot be made. */
  constructor(
    private readonly path: string,
    run: string,
    { make = true }: SharedFolderOptions = {},
  ) {
    if (!/^[\w-]+$/.test(run)) throw invalidInput(`${run} is no name of a run`);
    this.folder = join(path, run);
    if (!make) return;
    try {
      makeDirectory(this.folder);
      this.isThere = true;
    } catch (cause) {
      throw invalidInput(`the shared folder ${path} cannot be written: ${messageOf(cause)}`, { cause });
    }
  }

  async put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    await this.checkThere();
    return this.hashes.putting(path, (file) => this.turns.run(file.artifact.sha256, () => this.copyIn(file, options)));
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    await this.checkThere();
    await this.turns.run(path, async () => {
      if (await this.hashes.has(path, artifact)) return;
      let source: FileHandle;
      try {
        source = await open(this.file(artifact), 'r');
      } catch {
        throw new ArtifactGone(artifact, `the shared folder ${this.path}`);
      }
      try {
        await writeContent(path, artifact, (target) => copyRest(source, target, options, artifact.bytes));
      } finally {
        await source.close();
      }
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Removes what the run has put there, when nobody needs it any more. */
  removeRun(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private file({ sha256 }: Artifact): string {
    return join(this.folder, sha256);
  }

  private async copyIn({ handle, artifact }: OpenFile, options: TransferOptions): Promise<void> {
    const target = this.file(artifact);
    // It takes its place when it is whole.
    if ((await stat(target).catch(() => null))?.size !== artifact.bytes) {
      // Other machines may write the same content at the same time.
      const part = `${target}.${randomUUID()}.part`;
      const file = await PartialFile.open(target, artifact, part);
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

  private async checkThere(): Promise<void> {
    if (this.isThere) return;
    try {
      await access(this.folder);
    } catch (cause) {
      throw new StorageFailed(
        `the shared folder ${this.path}, or that of the run in it, is not on this machine`,
        cause,
      );
    }
    this.isThere = true;
  }
}
