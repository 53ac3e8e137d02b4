import type { Job as BullJob } from 'bullmq';
import type { Answer, Failure, News, Order } from '../wire.js';

/** A job that this worker has taken from a lane, and holds by a lock until it gives an answer, or gives it back. */
export class QueuedJob {
  /** @param patienceMs how long the lock lasts when it is not renewed. */
  constructor(
    private readonly job: BullJob<unknown, unknown>,
    private readonly token: string,
    private readonly patienceMs: number,
  ) {}

  /** The same whenever the same work is ordered. */
  get id(): string {
    return this.job.id ?? '';
  }

  /** What came with it, as yet unchecked. */
  get data(): unknown {
    return this.job.data;
  }

  /** Tells the coordinator; what is told later arrives later. What cannot be told is not missed: the answer has it all. */
  tell(news: News): void {
    this.job.updateProgress(news).catch(() => undefined);
  }

  /** Renews the lock. @returns whether it is still this worker's. */
  async hold(): Promise<boolean> {
    return (await this.job.extendLock(this.token, this.patienceMs)) === 1;
  }

  /** Keeps with the job what another worker would go on from. @returns false when the job is another's by now. */
  async keep(order: Order): Promise<boolean> {
    return (await this.hold()) && (await unlessLost(this.job.updateData(order)));
  }

  /** @returns whether the answer was taken: false when the job is another worker's by now, or is no more. */
  complete(answer: Answer): Promise<boolean> {
    return unlessLost(this.job.moveToCompleted(answer, this.token, false));
  }

  /** @returns as `complete`. */
  fail(failure: Failure): Promise<boolean> {
    const error = new Error(JSON.stringify(failure));
    // What BullMQ would keep of it says nothing of the job.
    error.stack = '';
    return unlessLost(this.job.moveToFailed(error, this.token, false));
  }

  /** Lets another worker have it next. */
  giveBack(): Promise<boolean> {
    return unlessLost(this.job.moveToWait(this.token));
  }

  /** Gives it back for later: until then, workers take others. */
  postpone(ms: number): Promise<boolean> {
    return unlessLost(this.job.moveToDelayed(Date.now() + ms, this.token));
  }
}

/** BullMQ's codes for a job that is no more, without a lock, not active, or locked by another. */
const lostCodes: ReadonlySet<unknown> = new Set([-1, -2, -3, -6]);

/** Whether something was done; false when the job was not this worker's any more. */
async function unlessLost(done: Promise<unknown>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && lostCodes.has(error.code)) return false;
    throw error;
  }
}
