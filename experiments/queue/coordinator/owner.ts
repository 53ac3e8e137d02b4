import type { JobListener } from '../../runner/jobs/job-runner.js';
import type { JobEvent } from '../../runner/jobs/jobs.js';
import type { Identity } from '../wire.js';
import type { Seats } from './seats.js';

/** Who asked for a job, and hears who does it and how it gets on. What the owner throws ends the job. */
export class Owner {
  private worker: { readonly by: Identity; readonly seat: number } | undefined;

  constructor(
    private readonly listener: JobListener,
    private readonly seats: Seats,
  ) {}

  /** Whether it is known who does the job. */
  get hasWorker(): boolean {
    return this.worker !== undefined;
  }

  /** For people. */
  get workerText(): string {
    return this.worker === undefined ? 'its worker' : `its worker on ${this.worker.by.host}`;
  }

  started(by: Identity): void {
    this.left();
    const seat = this.seats.take(by);
    this.worker = { by, seat };
    this.listener.started?.({ index: seat, host: by.host, group: by.group });
  }

  event(event: JobEvent): void {
    this.listener.event?.(event);
  }

  retry(attempt: number, attempts: number, reason: string): void {
    this.listener.retry?.(attempt, attempts, reason);
  }

  /** Nobody does the job any more. */
  left(): void {
    if (this.worker !== undefined) this.seats.leave(this.worker.seat);
    this.worker = undefined;
  }
}
