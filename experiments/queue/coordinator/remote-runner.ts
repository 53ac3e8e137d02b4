import PQueue from 'p-queue';
import { NasError } from '../../../base/errors.js';
import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import { asDoneThere, tagOf } from '../../runner/jobs/job-files.js';
import { withMachineLock } from '../machine-lock.js';
import type { Requirements } from '../queues.js';
import { draftOf } from './orders.js';
import { RemoteJob, type RemoteContext } from './remote-job.js';

export interface RemoteRunnerOptions {
  readonly context: RemoteContext;
  /** Does the jobs that belong to this machine. */
  readonly local: JobRunner;
  /** What the run asks of its workers, besides the group. */
  readonly wanted: Pick<Requirements, 'build' | 'tag'>;
  /** The group of the run's machines; null: any. Waits for the first worker. */
  readonly group: () => Promise<string | null>;
  /** Called at the end. */
  readonly release: () => Promise<void>;
}

/** How long `close` waits for workers to stop, in ms. */
const closingPatience = 5000;

/** Has the jobs of a run done by the workers of a queue. */
export class RemoteRunner implements JobRunner {
  private readonly jobs = new Map<string, RemoteJob>();
  /** The last submitted job of each kind of requirements: the next one is queued after it. */
  private readonly lasts = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(private readonly options: RemoteRunnerOptions) {}

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    if (isLocal(order)) return this.options.local.submit(order, listener);
    if (this.jobs.has(order.id)) throw new Error(`the job ${order.id} is submitted already`);
    const job = new RemoteJob(order, draftOf(asDoneThere(order.job)), listener, this.options.context);
    this.jobs.set(order.id, job);
    if (this.stopped) job.cancel();
    else void this.queue(job, tagOf(order.job));
    // A job of type J has a result of its type.
    const result = (job.result as Promise<ResultOf<J>>).finally(() => this.jobs.delete(order.id));
    return { result, cancel: () => job.cancel() };
  }

  stop(): void {
    this.stopped = true;
    this.options.local.stop();
    for (const job of this.jobs.values()) job.cancel();
  }

  async close(): Promise<void> {
    this.stopped = true;
    const lost = [...this.jobs.values()];
    for (const job of lost) job.lose(new NasError('interrupted', 'the run has ended'));
    await this.options.local.close();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, closingPatience)));
    await Promise.race([Promise.all(lost.map(({ ended }) => ended)), patience]);
    clearTimeout(timer);
    await this.options.release();
  }

  /** Ends all jobs here; another coordinator has the run. */
  disown(error: NasError): void {
    this.stopped = true;
    this.options.local.stop();
    for (const job of this.jobs.values()) job.disown(error);
  }

  /** Called every few seconds. */
  tick(): void {
    for (const job of this.jobs.values()) job.tick();
  }

  /** Prepares a job, and queues it after the jobs that were submitted before it. */
  private async queue(job: RemoteJob, tag: string | null): Promise<void> {
    const { modules } = job.draft;
    const key = `${tag ?? ''} ${modules}`;
    const before = this.lasts.get(key);
    const preparing = this.prepare(job, tag);
    // It may fail before its turn.
    preparing.catch(() => undefined);
    const queued = (async () => {
      await before;
      try {
        await preparing;
        job.begin();
      } catch (error) {
        job.fail(error);
      }
    })();
    this.lasts.set(key, queued);
    await queued;
  }

  /** @param tag set for a measurement: only workers with this tag can do it; null: all workers of the run */
  private async prepare(job: RemoteJob, tag: string | null): Promise<void> {
    const { wanted, group } = this.options;
    const settled = tag === null ? await group() : null;
    if (job.isEnded) return;
    await job.prepare({ ...wanted, group: settled, tag: tag ?? wanted.tag, modules: job.draft.modules });
  }
}

/** Whether a job is done by the coordinator's machine: its device is here, or its files are the run's own. */
const isLocal = ({ job, sharing }: JobOrder): boolean =>
  job.kind === 'initial' || sharing === 'elsewhere' || ('device' in job && tagOf(job) === null);

/**
 * The jobs that belong to the coordinator's machine: measurements on it or on devices that it reaches, and conversions of
 * files. While it measures on itself, the workers of this machine pause.
 */
export class LocalJobs implements JobRunner {
  private readonly pool: LocalPool;
  private readonly exclusive = new PQueue({ concurrency: 1 });
  private readonly waiting = new Map<string, AbortController>();
  private stopped = false;

  constructor(retries: number) {
    this.pool = new LocalPool({ size: 1, retries });
  }

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    return order.sharing === 'exclusive' ? this.alone(order, listener) : this.pool.submit(order, listener);
  }

  stop(): void {
    this.stopped = true;
    for (const cancelling of this.waiting.values()) cancelling.abort();
    this.pool.stop();
  }

  async close(): Promise<void> {
    this.stop();
    await this.pool.close();
  }

  /** Runs a job under the machine's lock. */
  private alone<J extends Job>(order: JobOrder<J>, listener: JobListener): SubmittedJob<ResultOf<J>> {
    if (this.waiting.has(order.id)) throw new Error(`the job ${order.id} is submitted already`);
    const cancelling = new AbortController();
    this.waiting.set(order.id, cancelling);
    if (this.stopped) cancelling.abort();
    const { signal } = cancelling;
    const measure = (): Promise<ResultOf<J>> => {
      const submitted = this.pool.submit(order, listener);
      signal.addEventListener('abort', () => submitted.cancel());
      if (signal.aborted) submitted.cancel();
      return submitted.result;
    };
    const result = this.exclusive.add(async () => {
      try {
        return await withMachineLock(measure, { signal });
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
