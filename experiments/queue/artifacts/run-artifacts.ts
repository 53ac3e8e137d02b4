import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';
import {
  type Artifact,
  ArtifactGone,
  type Artifacts,
  StorageFailed,
  type TransferOptions,
  Unreachable,
} from './artifact.js';
import { ContentFile, copyRest, writeContent } from './content-file.js';
import { FileHashes, KeyedQueue, type OpenFile } from './files.js';
import type { ArtifactsAddress } from '../registry.js';
import { HttpArtifacts, retryUnreachable, type HttpOptions } from './http.js';

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
      `the shared folder ${this.path}, or the run's folder in it, is not on this machine`,
      new Error('there is no such folder'),
    );
  }
}

/** A run's contents for a worker, wherever its coordinator keeps them at the moment. */
export class RunArtifacts implements Artifacts {
  private readonly http: HttpArtifacts;
  private folder: { readonly path: string; readonly artifacts: SharedFolder } | null = null;
  private current: Artifacts | null = null;

  /** @param address from the run's record in the registry; null: no coordinator is at work */
  constructor(
    private readonly address: () => Promise<ArtifactsAddress | null>,
    private readonly run: string,
    private readonly options: HttpOptions = {},
  ) {
    this.http = new HttpArtifacts(address, options);
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    return this.at((artifacts) => artifacts.put(path, options), options.signal);
  }

  get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    return this.at((artifacts) => artifacts.get(artifact, path, options), options.signal);
  }

  /** After a failure, a resumed coordinator may use another kind of store. */
  private async at<T>(task: (artifacts: Artifacts) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await task((this.current ??= await this.find(signal)));
    } catch (error) {
      this.current = null;
      throw error;
    }
  }

  private async find(signal: AbortSignal | undefined): Promise<Artifacts> {
    const { patienceMs = 120_000 } = this.options;
    const address = await retryUnreachable(
      async () => {
        const found = await this.address();
        if (found === null) throw new Unreachable('no nas run is at work on it');
        return found;
      },
      {
        patienceMs,
        signal,
        what: `looking for the files of the run ${this.run}`,
        hint: 'nas run or nas resume makes them available.',
      },
    );
    if (address.type === 'http') return this.http;
    if (this.folder?.path !== address.path)
      this.folder = { path: address.path, artifacts: new SharedFolder(address.path, this.run, { make: false }) };
    return this.folder.artifacts;
  }
}
