import { setTimeout as sleep } from 'node:timers/promises';

/** Where jobs come from. */
export interface JobSource<J> {
  /** The next job; null when none waits. */
  next(): Promise<J | null>;
}

export interface SlotsOptions<J> {
  /** How many jobs are done at once. */
  readonly size: number;
  /** Does a job; throws nothing. `free` lets its slot have another one before it is over. */
  do(job: J, slot: number, free: () => void): Promise<void>;
  /** Whether jobs may be taken now; `wake` when it changes. */
  mayTake(): boolean;
  /** Told what fails when a source is asked. */
  onError(error: unknown): void;
  /** How often is looked for jobs that nobody told of. */
  readonly everyMs: number;
}

/** Longest time for which a look is waited for when no more jobs are taken, in ms. */
const longestLookMs = 2000;

/**
 * Keeps slots busy with jobs from several sources, of which earlier ones come first. It looks when it is woken, when a slot
 * becomes free, and now and then.
 */
export class Slots<J> {
  private readonly busy = new Set<number>();
  private readonly jobs = new Set<Promise<void>>();
  private woken = false;
  private wakeUp: () => void = () => undefined;
  private stopped = false;
  private readonly looking: Promise<void>;

  constructor(
    private readonly sources: readonly JobSource<J>[],
    private readonly options: SlotsOptions<J>,
  ) {
    this.looking = this.work();
  }

  /** There may be a job, or one may be taken again. */
  wake(): void {
    this.woken = true;
    this.wakeUp();
  }

  /** Takes no more jobs. Resolves when those at work are over. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    // A server that is away answers nothing, and has given nothing.
    await Promise.race([this.looking, sleep(longestLookMs, undefined, { ref: false })]);
    await Promise.all(this.jobs);
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      const slot = this.free();
      if (slot === null || !this.options.mayTake()) {
        await this.change();
        continue;
      }
      this.woken = false;
      const job = await this.look();
      if (job === null) await this.change(this.options.everyMs);
      else this.begin(job, slot);
    }
  }

  private free(): number | null {
    for (let slot = 0; slot < this.options.size; slot++) if (!this.busy.has(slot)) return slot;
    return null;
  }

  private begin(job: J, slot: number): void {
    let isFree = false;
    const free = (): void => {
      if (isFree) return;
      isFree = true;
      this.busy.delete(slot);
      this.wake();
    };
    this.busy.add(slot);
    const done = this.options.do(job, slot, free).finally(() => {
      this.jobs.delete(done);
      free();
    });
    this.jobs.add(done);
  }

  private async look(): Promise<J | null> {
    for (const source of this.sources) {
      try {
        const job = await source.next();
        if (job !== null) return job;
      } catch (error) {
        this.options.onError(error);
      }
    }
    return null;
  }

  /** Waits until it is woken, also since it last looked; at most so long. */
  private async change(ms?: number): Promise<void> {
    if (!this.woken)
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
        this.wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.woken = false;
    this.wakeUp = () => undefined;
  }
}
