import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { checkWritable } from '../../../base/files.js';
import { bytes as inBytes } from '../../../base/number-text.js';

export interface RoomOptions {
  /** Told when the disk is full, and when there is room again. */
  readonly onChange: (reason: string | null) => void;
  readonly everyMs?: number;
}

/** How much must be free after the disk was full once; twice as much after each further time. */
const firstBytes = 256 * 2 ** 20;
/** On a small disk: this part of it. */
const part = 1 / 8;

/**
 * Whether the disk has room for jobs. After a job has failed because it had none, this worker takes no more until there is
 * some: the same jobs do well elsewhere.
 */
export class Room {
  private timer: NodeJS.Timeout | undefined;
  private times = 0;
  private why: string | null = null;

  constructor(
    private readonly directory: string,
    private readonly options: RoomOptions,
  ) {}

  /** What keeps the worker from taking jobs; null: nothing. */
  get lacking(): string | null {
    return this.why;
  }

  /** A job found the disk full. */
  full(message: string): void {
    const before = this.why;
    this.why = `its disk is full: ${message}`;
    if (before !== null) return;
    this.times++;
    this.timer = setInterval(() => this.look(), this.options.everyMs ?? 30_000);
    this.options.onChange(this.why);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const missing = this.missing();
    if (missing !== null) {
      this.why = missing;
      return;
    }
    this.why = null;
    clearInterval(this.timer);
    this.options.onChange(null);
  }

  private missing(): string | null {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.directory);
      const needed = Math.min(firstBytes * 2 ** (this.times - 1), blocks * bsize * part);
      const free = bavail * bsize;
      if (free < needed) return `its disk is full: ${inBytes(free)} are free in ${this.directory}`;
      checkWritable(join(this.directory, 'probe'));
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
}
