import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectory } from '../../../base/files.js';
import { shareLock, takeLock, type Lock } from '../../../base/lock.js';
import type { FileIn } from './artifact.js';
import { StorageFailed } from './failures.js';

/** In an entry: locked by who uses it. */
export const inUseFile = 'in-use';

const entrySchema = z.object({ bytes: z.number(), files: z.number() });
export type Entry = Readonly<z.output<typeof entrySchema>>;

const isKey = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

/** Files up to this size are read again before they are used; larger ones are known by their size. */
const smallBytes = 2 ** 20;

/** What was half fetched and not gone on with for so long is removed, in ms. */
const makingLife = 86_400_000;

/** Whether all files of an entry are there as they were fetched. */
export async function isUndamaged(content: string, files: readonly FileIn[]): Promise<boolean> {
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

/** The entries of a cache in its folder: who uses them, which were used last, and how they go. */
export class CacheFolder {
  private removed = 0;

  constructor(
    private readonly directory: string,
    private readonly clock: () => number,
  ) {
    try {
      for (const part of ['making', 'trash', 'locks']) makeDirectory(join(directory, part));
    } catch (cause) {
      throw new StorageFailed(directory, cause);
    }
  }

  path(key: string): string {
    return join(this.directory, key);
  }

  content(key: string): string {
    return join(this.path(key), 'content');
  }

  making(key: string): string {
    return join(this.directory, 'making', key);
  }

  /** Held by who fetches an entry. A few for all: none of them is ever removed, as somebody might hold it. */
  lockFile(key: string): string {
    return join(this.directory, 'locks', key.slice(0, 2));
  }

  /** A share in the use of an entry; null when it is not there. */
  share(key: string): Lock | null {
    const mark = join(this.path(key), inUseFile);
    if (!existsSync(mark)) return null;
    const { ino } = statSync(mark);
    let share: Lock | null;
    try {
      share = shareLock(mark);
    } catch {
      // It is going away.
      return null;
    }
    // It may have gone just before it was locked.
    if (share !== null && statSync(mark, { throwIfNoEntry: false })?.ino !== ino) {
      share.release();
      return null;
    }
    return share;
  }

  /** Takes an entry away, also from those who use it: it is damaged. */
  async remove(key: string): Promise<void> {
    const trash = join(this.directory, 'trash', `${key}.${process.pid}.${this.removed++}`);
    try {
      await rename(this.path(key), trash);
    } catch {
      // Somebody else was quicker.
      return;
    }
    await rm(trash, { recursive: true, force: true });
  }

  /**
   * Removes entries that nobody uses, the longest unused first, until the others have at most so many bytes.
   * @returns the bytes that were removed
   */
  async makeRoom(limitBytes: number): Promise<number> {
    await this.tidy();
    const entries = (await this.entries()).sort((a, b) => a.usedMs - b.usedMs);
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    let removed = 0;
    for (const { key, bytes } of entries) {
      if (total <= limitBytes) break;
      if (!(await this.evict(key))) continue;
      total -= bytes;
      removed += bytes;
    }
    return removed;
  }

  /** Removes an entry, unless somebody uses it. */
  private async evict(key: string): Promise<boolean> {
    let lock: Lock | null;
    try {
      lock = takeLock(join(this.path(key), inUseFile));
    } catch {
      return false;
    }
    if (lock === null) return false;
    try {
      await this.remove(key);
      return true;
    } finally {
      lock.release();
    }
  }

  private async entries(): Promise<{ key: string; bytes: number; usedMs: number }[]> {
    const entries: { key: string; bytes: number; usedMs: number }[] = [];
    for (const key of (await readdir(this.directory)).filter(isKey)) {
      try {
        const { bytes } = entrySchema.parse(JSON.parse(readFileSync(join(this.path(key), 'bundle.json'), 'utf8')));
        entries.push({ key, bytes, usedMs: statSync(join(this.path(key), inUseFile)).mtimeMs });
      } catch {
        // It went meanwhile, or was never whole.
      }
    }
    return entries;
  }

  /** Removes what nobody finished: of fetching, and of removing. */
  private async tidy(): Promise<void> {
    for (const name of await readdir(join(this.directory, 'trash')))
      await rm(join(this.directory, 'trash', name), { recursive: true, force: true });
    for (const name of (await readdir(join(this.directory, 'making'))).filter(isKey)) {
      const path = this.making(name);
      const stats = await stat(path).catch(() => null);
      if (stats === null || this.clock() - stats.mtimeMs <= makingLife) continue;
      const lock = takeLock(this.lockFile(name));
      if (lock === null) continue;
      await rm(path, { recursive: true, force: true });
      lock.release();
    }
  }
}
