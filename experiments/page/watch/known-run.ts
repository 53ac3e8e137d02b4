import { isWorkedIn, type Clock, type Store } from '../../../store/index.js';
import { RunMemory } from '../../report/collect/page/index.js';
import type { RunId } from '../api.js';
import { look } from './look.js';
import { stampOf, type Stamp } from './stamp.js';

/** A run that is looked at again and again: what is remembered of it makes the next look a short one. */
export class KnownRun {
  private memory = new RunMemory();
  private began: number | null = null;

  constructor(
    readonly id: RunId,
    /** Absolute. */
    readonly workdir: string,
    private readonly clock: Clock,
  ) {}

  /** When the run that was seen last was begun, in ms since 1970: another one may take its place (`--fresh`). */
  get begun(): number | null {
    return this.began;
  }

  /** What its file looks like from outside; null when there is none. */
  stamp(): Stamp | null {
    return stampOf(this.workdir, this.clock);
  }

  /** Whether a process works in it at this moment. */
  isWorkedIn(): boolean {
    return isWorkedIn(this.workdir);
  }

  /**
   * Reads it.
   * @throws NasError `in-use` when it is locked at this moment; `invalid-input` when it cannot be read; what the task throws.
   */
  look<T>(task: (store: Store, memory: RunMemory) => T | Promise<T>): Promise<T> {
    return look(this.workdir, (store) => {
      const createdAt = store.run.createdAt();
      if (createdAt !== this.began) this.memory = new RunMemory();
      this.began = createdAt;
      return task(store, this.memory);
    });
  }
}
