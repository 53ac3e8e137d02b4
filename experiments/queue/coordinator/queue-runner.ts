import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { asDoneThere, tagOf } from '../../runner/jobs/job-files.js';
import { NasError } from '../../../base/errors.js';
import { queueName, type Lane } from '../lanes.js';
import type { Coordination } from './coordination.js';
import { draftOf } from './draft.js';
import type { LaneClient } from './lane-client.js';
import { PendingJob } from './pending-job.js';

export interface QueueRunnerOptions {
  readonly coordination: Coordination;
  /** What does the jobs of this machine. */
  readonly local: JobRunner;
  /** What the run asks of workers, but the group. */
  readonly lane: Omit<Lane, 'group' | 'modules'>;
  /** The group whose results count, once it is settled; null: any. Waits for the first worker. */
  readonly group: () => Promise<string | null>;
  /** The client of a lane, made when it is first needed. */
  readonly clientOf: (lane: Lane) => LaneClient;
  /** Called in the end; gives back what the runner was given. */
  readonly release: () => Promise<void>;
}

/** Ms for which closing waits until workers have given up what they do. */
const closingPatience = 5000;

/** Has the jobs of a run done by the workers of a queue. */
export class QueueRunner implements JobRunner {
  private readonly pending = new Map<string, PendingJob>();
  /** What was submitted last to each lane, once it is queued: what comes after it is queued after it. */
  private readonly lasts = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(private readonly options: QueueRunnerOptions) {}

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    if (isLocal(order)) return this.options.local.submit(order, listener);
    if (this.pending.has(order.id)) throw new Error(`the job ${order.id} is submitted already`);
    const tag = tagOf(order.job);
    const draft = draftOf(asDoneThere(order.job));
    const pending = new PendingJob(order, draft, listener, this.options.coordination);
    this.pending.set(order.id, pending);
    if (this.stopped) pending.cancel();
    else void this.queue(pending, { tag: tag ?? this.options.lane.tag, anyGroup: tag !== null });
    const forget = () => this.pending.delete(order.id);
    // A job of type J has a result of its type.
    const result = (pending.result as Promise<ResultOf<J>>).finally(forget);
    return { result, cancel: () => pending.cancel() };
  }

  stop(): void {
    this.stopped = true;
    this.options.local.stop();
    for (const pending of this.pending.values()) pending.cancel();
  }

  async close(): Promise<void> {
    this.stopped = true;
    const lost = [...this.pending.values()];
    for (const pending of lost) pending.lose(new NasError('interrupted', 'the run has ended'));
    await this.options.local.close();
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise((resolve) => (timer = setTimeout(resolve, closingPatience)));
    await Promise.race([Promise.all(lost.map(({ ended }) => ended)), enough]);
    clearTimeout(timer);
    await this.options.release();
  }

  /** Ends all that waits with an error: nothing more can come of it here. */
  fail(error: NasError): void {
    this.stopped = true;
    this.options.local.stop();
    for (const pending of this.pending.values()) pending.fail(error);
  }

  /** Called every few seconds. */
  tick(): void {
    for (const pending of this.pending.values()) pending.tick();
  }

  /** The lanes in which nothing has been heard of a job for longer than `ms`. */
  silentLanes(ms: number): readonly Lane[] {
    const silent = [...this.pending.values()].flatMap((pending) => pending.silentAt(ms) ?? []);
    return [...new Map(silent.map((lane) => [queueName(lane), lane])).values()];
  }

  /** Prepares a job and queues it after those that were submitted before it. */
  private async queue(pending: PendingJob, where: { tag: string | null; anyGroup: boolean }): Promise<void> {
    const { modules } = pending.draft;
    const key = JSON.stringify([where, modules]);
    const before = this.lasts.get(key);
    const prepared = this.prepare(pending, where);
    // It may fail before its turn comes.
    prepared.catch(() => undefined);
    const queued = (async () => {
      await before;
      try {
        await prepared;
        pending.begin();
      } catch (error) {
        pending.fail(error);
      }
    })();
    this.lasts.set(key, queued);
    await queued;
  }

  private async prepare(
    pending: PendingJob,
    { tag, anyGroup }: { tag: string | null; anyGroup: boolean },
  ): Promise<void> {
    const { lane, group, clientOf } = this.options;
    const settled = anyGroup ? null : await group();
    if (pending.isOver()) return;
    await pending.prepare(clientOf({ build: lane.build, group: settled, tag, modules: pending.draft.modules }));
  }
}

/** Whether a job is done by this machine: what it measures is here or reached from here, or its files are the run's own. */
const isLocal = ({ job, sharing }: JobOrder): boolean =>
  job.kind === 'initial' || sharing === 'elsewhere' || ('device' in job && tagOf(job) === null);
