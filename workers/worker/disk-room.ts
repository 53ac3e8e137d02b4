import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { checkWritable } from '../../base/files.js';
import { bytes as inBytes } from '../../base/number-text.js';

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
  /** Why the worker takes no jobs; null: there is room. */
  lacking: string | null = null;

  constructor(
    private readonly directory: string,
    /** Called with the reason when the disk is full, and with null when there is room again. */
    private readonly onChange: (reason: string | null) => void,
  ) {}

  /** A job found the disk full. */
  full(message: string): void {
    const isNew = this.lacking === null;
    this.lacking = `its disk is full: ${message}`;
    if (!isNew) return;
    this.times++;
    this.timer = setInterval(() => this.check(), checkMs);
    this.onChange(this.lacking);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    this.lacking = this.missing();
    if (this.lacking !== null) return;
    this.close();
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
