import { setTimeout as sleep } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import { asDoneThere, tagOf } from '../../runner/jobs/job-files.js';
import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
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
    else this.queue(job, tagOf(order.job));
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
    const ended = new AbortController();
    const patience = sleep(closingPatience, undefined, { signal: ended.signal }).catch(() => undefined);
    await Promise.race([Promise.all(lost.map(({ over }) => over)), patience]);
    ended.abort();
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

  /**
   * Prepares a job, and queues it after the jobs that were submitted before it.
   * @param tag set for a measurement: only workers with this tag can do it; null: all workers of the run
   */
  private queue(job: RemoteJob, tag: string | null): void {
    const { modules } = job.draft;
    const { wanted, group } = this.options;
    const key = `${tag ?? ''} ${modules}`;
    const before = this.lasts.get(key);
    const prepare = async (): Promise<void> => {
      const chosen = tag === null ? await group() : null;
      if (!job.isEnded) await job.prepare({ ...wanted, group: chosen, tag: tag ?? wanted.tag, modules });
    };
    const prepared = prepare();
    // It may fail before its turn.
    prepared.catch(() => undefined);
    const begin = async (): Promise<void> => {
      await before;
      try {
        await prepared;
        job.begin();
      } catch (error) {
        job.fail(error);
      }
    };
    this.lasts.set(key, begin());
  }
}

/**
 * Whether a job is done by the coordinator's machine: its device is here, its files are the run's own, or it counts instructions,
 * which only one compiler counts alike.
 */
const isLocal = ({ job, sharing }: JobOrder): boolean =>
  job.kind === 'initial' ||
  job.kind === 'instructions' ||
  sharing === 'elsewhere' ||
  ('device' in job && tagOf(job) === null);
