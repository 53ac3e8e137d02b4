import { Worker } from 'bullmq';
import type { QueueConnection } from '../connection.js';
import { queueName, type Lane } from '../lanes.js';
import { QueuedJob } from './queued-job.js';

export interface LaneOptions {
  /** How long a job's lock lasts when it is not renewed; dead workers are noticed so late. */
  readonly patienceMs: number;
  /** The worker's, kept with the jobs that it takes. */
  readonly name: string;
}

/** How often a job may lose its worker before BullMQ itself gives it up: never, as coordinators count. */
const stalls = 1_000_000;

/** Jobs of one lane, taken by hand, as many as there is room for. It also looks for those whose worker is gone. */
export class LaneJobs {
  private readonly worker: Worker<unknown, unknown>;
  private taken = 0;

  constructor(
    readonly lane: Lane,
    connection: Pick<QueueConnection, 'bull'>,
    private readonly options: LaneOptions,
  ) {
    const { patienceMs, name } = options;
    this.worker = new Worker<unknown, unknown>(queueName(lane), null, {
      ...connection.bull(),
      name,
      autorun: false,
      lockDuration: patienceMs,
      stalledInterval: Math.max(1, Math.round(patienceMs / 4)),
      maxStalledCount: stalls,
      skipLockRenewal: true,
    });
    // What fails here is tried again; the connection says when the server is away.
    this.worker.on('error', () => undefined);
    void this.worker.startStalledCheckTimer();
  }

  /** The next job; null when none waits. */
  async next(): Promise<QueuedJob | null> {
    const { name, patienceMs } = this.options;
    // Of its own for each, so that this worker's earlier hold on the same job is none on this one.
    const token = `${name}/${this.taken++}`;
    const job = await this.worker.getNextJob(token, { block: false });
    // The types leave out that there may be none.
    return (job as typeof job | undefined) === undefined ? null : new QueuedJob(job, token, patienceMs);
  }

  async close(): Promise<void> {
    await this.worker.close(true);
  }
}
