import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { shareLock, takeLock, waitForLock, type Lock } from '../../base/lock.js';
import { sum } from '../../base/statistics.js';
import { bytesOf, StorageFailed, type Artifacts, type Bundle, type FileIn } from './artifact.js';
import { KeyedQueue } from './files.js';

export interface BundleCacheOptions {
  /** Above this size, the least recently used bundles are evicted; bundles in use are kept. */
  readonly limitBytes: number;
  /** In ms, as file times; dates each use. */
  readonly clock: () => number;
}

/** A bundle that stays in the cache until it is released. */
export interface UsedBundle {
  /** The folder, or the file under its own name. Read only. */
  readonly path: string;
  /** Safe to call twice. */
  release(): void;
}

const entrySchema = z.object({ bytes: z.number() });

const isKey = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

/** Files up to this size are verified by their hash before each use; larger ones by their size. */
const smallBytes = 2 ** 20;

/** An unfinished download is removed after so long without progress, in ms. */
const unfinishedLife = 86_400_000;

/**
 * The bundles that this machine has fetched; processes may share the folder. Users hold a shared lock of the operating
 * system (`shareLock`), so a bundle in use is never evicted, and the use ends with its process.
 *
 *     <directory>/<key>/in-use       locked by users; its mtime is the last use
 *     <directory>/<key>/bundle.json  its size
 *     <directory>/<key>/content/     its files
 *     <directory>/making/<key>/      a download under way, or left by a killed process; continued there
 *     <directory>/locks/             held during downloads
 */
export class BundleCache {
  private readonly queue = new KeyedQueue();

  /** @throws StorageFailed when the folder cannot be made */
  constructor(
    private readonly directory: string,
    private readonly options: BundleCacheOptions,
  ) {
    try {
      for (const part of ['making', 'trash', 'locks']) makeDirectory(join(directory, part));
    } catch (cause) {
      throw new StorageFailed(directory, cause);
    }
  }

  /**
   * A bundle on this machine's disk, downloaded when it is missing or damaged.
   * @throws StorageFailed when it cannot be written; as `Artifacts.get`
   */
  async use(bundle: Bundle, artifacts: Pick<Artifacts, 'get'>, signal?: AbortSignal): Promise<UsedBundle> {
    const key = contentHash(bundle.kind, bundle.files).slice(0, 32);
    return await this.queue.run(key, async () => {
      const found = await this.find(key, bundle);
      if (found !== null) return found;
      const lock = await this.lock(key, signal);
      try {
        return (await this.find(key, bundle)) ?? (await this.fetchWithRoom(key, bundle, artifacts, signal));
      } finally {
        lock.release();
      }
    });
  }

  private async find(key: string, bundle: Bundle): Promise<UsedBundle | null> {
    const share = this.share(key);
    if (share === null) return null;
    if (await isUndamaged(join(this.directory, key, 'content'), bundle.files)) return this.used(key, bundle, share);
    share.release();
    await this.remove(key);
    return null;
  }

  /** A shared lock of an entry; null when it does not exist, or is being evicted. */
  private share(key: string): Lock | null {
    const mark = this.mark(key);
    try {
      const { ino } = statSync(mark);
      const share = shareLock(mark);
      if (statSync(mark).ino === ino) return share;
      // It was evicted just before the lock was taken.
      share?.release();
    } catch {
      // It does not exist.
    }
    return null;
  }

  private used(key: string, { kind, files }: Bundle, share: Lock): UsedBundle {
    const touch = (): void => {
      const now = this.options.clock() / 1000;
      try {
        utimesSync(this.mark(key), now, now);
      } catch {
        // Another process has removed a damaged entry.
      }
    };
    touch();
    const content = join(this.directory, key, 'content');
    let isReleased = false;
    return {
      path: kind === 'file' ? join(content, files[0].path) : content,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        touch();
        share.release();
      },
    };
  }

  private async fetchWithRoom(
    key: string,
    bundle: Bundle,
    artifacts: Pick<Artifacts, 'get'>,
    signal: AbortSignal | undefined,
  ): Promise<UsedBundle> {
    await this.makeRoom(this.options.limitBytes - bytesOf(bundle.files));
    try {
      return await this.fetch(key, bundle, artifacts, signal);
    } catch (error) {
      // The disk has less room than the limit allows: everything unused is evicted.
      if (!(error instanceof StorageFailed) || (await this.makeRoom(0)) === 0) throw error;
      return await this.fetch(key, bundle, artifacts, signal);
    }
  }

  private async fetch(
    key: string,
    bundle: Bundle,
    artifacts: Pick<Artifacts, 'get'>,
    signal: AbortSignal | undefined,
  ): Promise<UsedBundle> {
    const making = join(this.directory, 'making', key);
    for (const file of bundle.files) await artifacts.get(file, join(making, 'content', file.path), { signal });
    try {
      makeDirectory(join(making, 'content'));
      await writeFile(join(making, 'bundle.json'), JSON.stringify({ bytes: bytesOf(bundle.files) }));
      // The lock comes before the rename, so no process can evict it in between.
      const share = shareLock(join(making, 'in-use'));
      if (share === null) throw new Error(`${making} is locked`);
      await rename(making, join(this.directory, key));
      return this.used(key, bundle, share);
    } catch (cause) {
      throw new StorageFailed(join(this.directory, key), cause);
    }
  }

  /** Evicts the least recently used bundles until the rest has at most `limitBytes`. @returns evicted bytes */
  private async makeRoom(limitBytes: number): Promise<number> {
    await this.tidy();
    const entries = (await this.entries()).sort((a, b) => a.usedMs - b.usedMs);
    let total = sum(entries.map(({ bytes }) => bytes));
    let evicted = 0;
    for (const { key, bytes } of entries) {
      if (total <= limitBytes) break;
      const lock = this.tryLock(this.mark(key));
      if (lock === null) continue;
      await this.remove(key).finally(() => lock.release());
      total -= bytes;
      evicted += bytes;
    }
    return evicted;
  }

  private async entries(): Promise<{ key: string; bytes: number; usedMs: number }[]> {
    const entries: { key: string; bytes: number; usedMs: number }[] = [];
    for (const key of (await readdir(this.directory)).filter(isKey)) {
      try {
        const { bytes } = entrySchema.parse(JSON.parse(readFileSync(join(this.directory, key, 'bundle.json'), 'utf8')));
        entries.push({ key, bytes, usedMs: statSync(this.mark(key)).mtimeMs });
      } catch {
        // Another process evicts it.
      }
    }
    return entries;
  }

  /** Removes an entry at once for all processes, also a damaged one that is in use. */
  private async remove(key: string): Promise<void> {
    const trash = join(this.directory, 'trash', `${key}.${randomUUID()}`);
    try {
      await rename(join(this.directory, key), trash);
    } catch {
      // Another process was faster.
      return;
    }
    await rm(trash, { recursive: true, force: true });
  }

  /** Removes what killed processes left: half evicted bundles, and old downloads. */
  private async tidy(): Promise<void> {
    const [trash, making] = ['trash', 'making'].map((name) => join(this.directory, name));
    for (const name of await readdir(trash)) await rm(join(trash, name), { recursive: true, force: true });
    for (const key of (await readdir(making)).filter(isKey)) {
      const path = join(making, key);
      const stats = await stat(path).catch(() => null);
      if (stats === null || this.options.clock() - stats.mtimeMs <= unfinishedLife) continue;
      const lock = this.tryLock(this.lockFile(key));
      if (lock !== null) await rm(path, { recursive: true, force: true }).finally(() => lock.release());
    }
  }

  private mark(key: string): string {
    return join(this.directory, key, 'in-use');
  }

  /** Held during a download. Entries share 256 files, which are never removed: another process may hold one. */
  private lockFile(key: string): string {
    return join(this.directory, 'locks', key.slice(0, 2));
  }

  private tryLock(path: string): Lock | null {
    try {
      return existsSync(path) ? takeLock(path) : null;
    } catch {
      return null;
    }
  }

  private async lock(key: string, signal: AbortSignal | undefined): Promise<Lock> {
    const path = this.lockFile(key);
    try {
      return await waitForLock(path, { signal });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new StorageFailed(path, cause);
    }
  }
}

/** Whether all files of a bundle are as they were fetched. */
async function isUndamaged(content: string, files: readonly FileIn[]): Promise<boolean> {
  for (const { path, sha256, bytes } of files) {
    const file = join(content, path);
    const stats = await stat(file).catch(() => null);
    if (stats?.isFile() !== true || stats.size !== bytes) return false;
    if (bytes > smallBytes) continue;
    const read = await readFile(file).catch(() => null);
    if (read === null || createHash('sha256').update(read).digest('hex') !== sha256) return false;
  }
  return true;
}
