import { rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import { shareLock, waitForLock, type Lock } from '../../../base/lock.js';
import { bytesOf, type Bundle } from './artifact.js';
import type { Artifacts, TransferOptions } from './artifacts.js';
import { CacheFolder, inUseFile, isUndamaged, type Entry } from './cache-folder.js';
import { StorageFailed } from './failures.js';
import { Turns } from './turns.js';

export interface BundleCacheOptions {
  /** More than this is kept only as long as it is in use. */
  readonly limitBytes: number;
  /** In ms, of this machine's day: by which use is dated. */
  readonly clock: () => number;
}

export interface UseOptions extends TransferOptions {
  /** Told when another process fetches it already, and is waited for. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** A bundle that is there as long as it is used. */
export interface UsedBundle {
  /** The folder; of the bundle of a file: the file, under its own name. Nobody writes there. */
  readonly path: string;
  /** Safe to call twice. */
  release(): void;
}

/**
 * Bundles that this machine has fetched, shared by all processes that use the same folder. What is used is locked by the
 * operating system (`shareLock`), so nobody removes it, however long it is used and however its user ends; of the rest the
 * longest unused goes first, when there is more than the limit or no room on the disk.
 *
 *     <directory>/<key>/in-use       locked by users; its mtime: last used
 *     <directory>/<key>/bundle.json  what it is
 *     <directory>/<key>/content/     its files
 *     <directory>/making/<key>/      one that is being fetched, or was when its process ended: it goes on there
 *     <directory>/locks/             who fetches
 */
export class BundleCache {
  private readonly folder: CacheFolder;
  private readonly turns = new Turns();

  constructor(
    directory: string,
    private readonly options: BundleCacheOptions,
  ) {
    this.folder = new CacheFolder(directory, options.clock);
  }

  /**
   * A bundle's files on this machine, fetched if they are not here yet.
   * @throws StorageFailed when they cannot be written; as `Artifacts.get`
   */
  async use(bundle: Bundle, artifacts: Artifacts, options: UseOptions = {}): Promise<UsedBundle> {
    const key = contentHash(bundle.kind, bundle.files).slice(0, 32);
    return await this.turns.run(key, async () => {
      const found = await this.find(key, bundle);
      if (found !== null) return found;
      const lock = await this.lock(key, options);
      try {
        const made = (await this.find(key, bundle)) ?? (await this.make(key, bundle, artifacts, options));
        return made;
      } finally {
        lock.release();
      }
    });
  }

  private async find(key: string, bundle: Bundle): Promise<UsedBundle | null> {
    const share = this.folder.share(key);
    if (share === null) return null;
    if (await isUndamaged(this.folder.content(key), bundle.files)) return await this.used(key, bundle, share);
    share.release();
    await this.folder.remove(key);
    return null;
  }

  private async used(key: string, bundle: Bundle, share: Lock): Promise<UsedBundle> {
    const mark = join(this.folder.path(key), inUseFile);
    const touch = async (): Promise<void> => {
      const now = this.options.clock() / 1000;
      await utimes(mark, now, now).catch(() => undefined);
    };
    await touch();
    const content = this.folder.content(key);
    let isReleased = false;
    return {
      path: bundle.kind === 'file' ? join(content, bundle.files[0].path) : content,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        void touch();
        share.release();
      },
    };
  }

  private async make(key: string, bundle: Bundle, artifacts: Artifacts, options: UseOptions): Promise<UsedBundle> {
    await this.folder.makeRoom(this.options.limitBytes - bytesOf(bundle.files));
    try {
      return await this.fetch(key, bundle, artifacts, options);
    } catch (error) {
      // The disk may be fuller than the limit foresaw: what nobody uses goes.
      if (!(error instanceof StorageFailed) || (await this.folder.makeRoom(0)) === 0) throw error;
      return await this.fetch(key, bundle, artifacts, options);
    }
  }

  private async fetch(key: string, bundle: Bundle, artifacts: Artifacts, options: UseOptions): Promise<UsedBundle> {
    const making = this.folder.making(key);
    const content = join(making, 'content');
    const total = bytesOf(bundle.files);
    let before = 0;
    try {
      makeDirectory(content);
    } catch (cause) {
      throw new StorageFailed(content, cause);
    }
    for (const file of bundle.files) {
      const done = before;
      await artifacts.get(file, join(content, file.path), {
        signal: options.signal,
        onProgress: (bytes) => options.onProgress?.(done + bytes, total),
      });
      before += file.bytes;
    }
    return await this.publish(key, bundle, making);
  }

  /** From one moment to the next it is there as a whole. */
  private async publish(key: string, bundle: Bundle, making: string): Promise<UsedBundle> {
    const path = this.folder.path(key);
    try {
      const entry: Entry = { bytes: bytesOf(bundle.files), files: bundle.files.length };
      await writeFile(join(making, 'bundle.json'), JSON.stringify(entry));
      // Shared before it is seen: nobody can remove it first.
      const share = shareLock(join(making, inUseFile));
      if (share === null) throw new Error(`${making} is locked`);
      await rename(making, path);
      return await this.used(key, bundle, share);
    } catch (cause) {
      throw new StorageFailed(path, cause);
    }
  }

  private async lock(key: string, { signal, onNote }: UseOptions): Promise<Lock> {
    const path = this.folder.lockFile(key);
    try {
      return await waitForLock(path, {
        signal,
        onWait: (holder) => onNote?.(`${holder} is fetching files that are needed here, too: waiting for it`),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new StorageFailed(path, cause);
    }
  }
}
