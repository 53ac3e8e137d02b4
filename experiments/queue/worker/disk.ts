import { existsSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { checkWritable, makeDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import { takeLock } from '../../../base/lock.js';
import { bytes as inBytes } from '../../../base/number-text.js';

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
/** Between two looks at a full disk, in ms. */
const lookMs = 30_000;

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
    this.timer = setInterval(() => this.look(), lookMs);
    this.onChange(this.reason);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
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
