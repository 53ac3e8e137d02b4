import type { QueuedJob } from './queued-job.js';

/**
 * Renews a job's lock while the job runs. While the queue server cannot be reached nothing is known, and the job goes on;
 * when the server then says that the lock is not this worker's, the job is lost.
 */
export class LockKeeper {
  private readonly losing = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private asking = false;

  constructor(
    private readonly job: Pick<QueuedJob, 'hold'>,
    everyMs: number,
  ) {
    this.timer = setInterval(() => void this.renew(), everyMs);
  }

  /** Aborted when the job is not this worker's any more. */
  get lost(): AbortSignal {
    return this.losing.signal;
  }

  /** The job is not to be held on to. */
  lose(): void {
    this.end();
    this.losing.abort();
  }

  end(): void {
    clearInterval(this.timer);
  }

  private async renew(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      if (!(await this.job.hold())) this.lose();
    } catch {
      // Asked again the next time.
    } finally {
      this.asking = false;
    }
  }
}
