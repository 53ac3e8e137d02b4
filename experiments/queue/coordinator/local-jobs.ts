import PQueue from 'p-queue';
import { NasError } from '../../../base/errors.js';
import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../runner/jobs/job-runner.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import type { QueueConnection } from '../connection.js';
import { machineId } from '../machine.js';
import { onQuietMachine } from '../quiet.js';

/**
 * The jobs of a run with a queue that are the coordinator's machine's: measurements on it and on devices that it reaches,
 * and files that are converted. While it measures on itself, workers of its machine stand still, too.
 */
export class LocalJobs implements JobRunner {
  private readonly pool: LocalPool;
  private readonly exclusive = new PQueue({ concurrency: 1 });
  private readonly stopping = new AbortController();
  private readonly waiting = new Map<string, AbortController>();

  constructor(
    private readonly connection: QueueConnection,
    retries: number,
  ) {
    this.pool = new LocalPool({ size: 1, retries });
  }

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    return order.sharing === 'exclusive' ? this.alone(order, listener) : this.pool.submit(order, listener);
  }

  stop(): void {
    this.stopping.abort();
    for (const waiting of this.waiting.values()) waiting.abort();
    this.pool.stop();
  }

  async close(): Promise<void> {
    this.stop();
    await this.pool.close();
  }

  /** Runs a job when the machine stands still. */
  private alone<J extends Job>(order: JobOrder<J>, listener: JobListener): SubmittedJob<ResultOf<J>> {
    if (this.waiting.has(order.id)) throw new Error(`the job ${order.id} is submitted already`);
    const cancelling = new AbortController();
    this.waiting.set(order.id, cancelling);
    if (this.stopping.signal.aborted) cancelling.abort();
    const { signal } = cancelling;
    const measured = async (): Promise<ResultOf<J>> => {
      const submitted = this.pool.submit(order, listener);
      signal.addEventListener('abort', () => submitted.cancel());
      if (signal.aborted) submitted.cancel();
      return submitted.result;
    };
    const result = this.exclusive.add(async () => {
      try {
        signal.throwIfAborted();
        return await onQuietMachine(this.connection, machineId(), measured, { signal });
      } catch (error) {
        if (signal.aborted && !(error instanceof NasError)) throw new NasError('interrupted', 'the job was cancelled');
        throw error;
      } finally {
        this.waiting.delete(order.id);
      }
    });
    return { result, cancel: () => cancelling.abort() };
  }
}
