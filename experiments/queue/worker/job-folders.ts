import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import { takeLock } from '../../../base/lock.js';

/** The folder in which this process does a job. */
export interface JobFolder {
  readonly path: string;
  /** Leaves what is there for when the job comes back. */
  release(): void;
  /** Removes it. */
  remove(): void;
}

/** What was left of a job that never came back is kept so long. */
const keptMs = 7 * 24 * 3600 * 1000;

const lockFile = 'lock';

/** Folders of jobs, by the jobs' ids, below one that all workers of a machine may share. */
export class JobFolders {
  constructor(private readonly directory: string) {}

  /**
   * The folder of a job, with what was left there; another one while another process of this machine has that, which was
   * believed dead and is not.
   */
  open(id: string): JobFolder {
    const name = /^[0-9a-f]{8,64}$/.test(id) ? id : contentHash(id);
    for (let other = 0; ; other++) {
      const path = join(this.directory, other === 0 ? name : `${name}.${other}`);
      makeDirectory(path);
      const lock = takeLock(join(path, lockFile));
      if (lock === null) continue;
      return {
        path,
        release: () => lock.release(),
        remove: () => {
          lock.release();
          rmSync(path, { recursive: true, force: true });
        },
      };
    }
  }

  /** Removes what was left long ago. @param now in ms, of the clock that dates files. */
  sweep(now: number): void {
    if (!existsSync(this.directory)) return;
    for (const name of readdirSync(this.directory)) {
      const path = join(this.directory, name);
      if (now - newest(path) > keptMs) this.discard(path);
    }
  }

  private discard(path: string): void {
    const lock = takeLock(join(path, lockFile));
    if (lock === null) return;
    lock.release();
    rmSync(path, { recursive: true, force: true });
  }
}

/** When something in a folder was written last: in ms; never when it is gone. */
function newest(path: string): number {
  try {
    return Math.max(statSync(path).mtimeMs, ...readdirSync(path).map((name) => statSync(join(path, name)).mtimeMs));
  } catch {
    return Infinity;
  }
}
