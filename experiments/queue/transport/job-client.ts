import { Queue, QueueEvents } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../base/errors.js';
import type { JobEvent } from '../../runner/jobs/jobs.js';
import type { QueueConnection } from '../connection.js';
import { queueName, type Requirements } from '../queues.js';
import { every, listWorkers, type WorkerRecord } from '../registry.js';
import {
  cancelJob,
  type Folders,
  forgetCancellations,
  type Identity,
  type Order,
  type Outcome,
  outcomeOfAnswer,
  outcomeOfFailure,
  progressSchema,
} from './messages.js';

/** What the submitter of a job hears of it. After `attemptEnded` or `withdrawn` it hears nothing more. */
export interface SubmissionListener {
  started(by: Identity): void;
  event(event: JobEvent): void;
  /** The files in the job's folders, uploaded while it runs. */
  files(folders: Folders): void;
  /** Its worker gave it back; it waits again. */
  returned(): void;
  attemptEnded(outcome: Outcome): void;
  /** It was cancelled before a worker took it. */
  withdrawn(): void;
}

/** A job on its way through a queue. */
export interface Submission {
  /** Takes the job from the queue, or asks its worker to stop it, until `attemptEnded` or `withdrawn` is called. */
  cancel(): void;
  /** Like `cancel`, but the listener hears nothing more. */
  abandon(): void;
  /** The listener hears nothing more; the job stays as it is. */
  forget(): void;
}

export interface JobClientOptions {
  /** The run of all jobs. */
  readonly run: string;
  /** Called for errors of the server; every operation is repeated. */
  readonly onTrouble: (message: string) => void;
}

/** Answers of a killed coordinator's jobs are kept for a week. */
const keptSeconds = 7 * 24 * 3600;
/** Most events that a queue keeps, of all its jobs. */
const keptEvents = 20_000;
/** Jobs in one command. */
const batchSize = 250;
/** Between two checks of all jobs, in ms: an event may be missed. */
const checkMs = 5000;

/** Submits the jobs of a run to queues, and reports what becomes of them. */
export class JobClient {
  private readonly queues = new Map<string, JobQueue>();
  private readonly checks: { stop(): void };

  constructor(
    private readonly connection: QueueConnection,
    private readonly options: JobClientOptions,
  ) {
    this.checks = every(checkMs, () => this.check());
  }

  /**
   * Queues a job behind the waiting ones. If the server already knows a job with this id, that one is used instead, also after
   * its end.
   * @param first whether it comes before the waiting jobs
   */
  submit(wanted: Requirements, id: string, order: Order, listener: SubmissionListener, first = false): Submission {
    return this.queueOf(wanted).submit(id, order, listener, first);
  }

  /** Removes an ended job from the server. */
  async remove(wanted: Requirements, id: string): Promise<void> {
    for (let attempt = 0; attempt < 5 && !(await this.queueOf(wanted).remove(id)); attempt++) {
      // A worker has just taken a job whose earlier worker vanished; BullMQ fails it at once.
      await sleep(200);
    }
  }

  /** The requirements of jobs that have waited for a worker for longer than `ms`. */
  waiting(ms: number): readonly Requirements[] {
    return [...this.queues.values()].filter((queue) => queue.hasWaited(ms)).map(({ wanted }) => wanted);
  }

  async close(): Promise<void> {
    this.checks.stop();
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private queueOf(wanted: Requirements): JobQueue {
    const name = queueName(wanted);
    const queue = this.queues.get(name) ?? new JobQueue(this.connection, wanted, this.options);
    this.queues.set(name, queue);
    return queue;
  }

  private async check(): Promise<void> {
    if (this.connection.redis.status !== 'ready') return;
    let workers: Promise<readonly WorkerRecord[]> | undefined;
    const workersNow = () => (workers ??= listWorkers(this.connection));
    await Promise.all([...this.queues.values()].map((queue) => queue.check(workersNow)));
  }
}

/** A submitted job. A new submission of the same id is another entry, so late replies about the old one are dropped. */
interface Entry {
  readonly id: string;
  readonly order: Order;
  readonly listener: SubmissionListener;
  readonly first: boolean;
  /** Whether the server has been asked to add it. */
  isSent: boolean;
  /** Whether the server has confirmed it. Events before that belong to an earlier submission. */
  isConfirmed: boolean;
  isCancelled: boolean;
  hasWorker: boolean;
  /** Since when it waits for a worker, in ms of `performance.now`. */
  waitsSince: number;
}

/** The jobs of a run in one BullMQ queue. */
class JobQueue {
  private readonly name: string;
  private readonly queue: Queue;
  private readonly entries = new Map<string, Entry>();
  private unsent: Entry[] = [];
  private sending: Promise<void> | undefined;
  private events: QueueEvents | undefined;
  private closed = false;

  constructor(
    private readonly connection: QueueConnection,
    readonly wanted: Requirements,
    private readonly options: JobClientOptions,
  ) {
    this.name = queueName(wanted);
    this.queue = new Queue(this.name, { ...connection.bull(), streams: { events: { maxLen: keptEvents } } });
    // Connection errors: every command is repeated.
    this.queue.on('error', () => undefined);
  }

  submit(id: string, order: Order, listener: SubmissionListener, first: boolean): Submission {
    const flags = { isSent: false, isConfirmed: false, isCancelled: false, hasWorker: false };
    const entry: Entry = { id, order, listener, first, ...flags, waitsSince: performance.now() };
    this.entries.set(id, entry);
    this.unsent.push(entry);
    this.sending ??= this.send().finally(() => (this.sending = undefined));
    const withdraw = (): void => this.attempt(() => this.withdraw(entry));
    return {
      cancel: () => {
        entry.isCancelled = true;
        withdraw();
      },
      forget: () => {
        if (this.isCurrent(entry)) this.entries.delete(id);
      },
      abandon: () => {
        if (!this.isCurrent(entry)) return;
        this.entries.delete(id);
        this.attempt(async () => {
          await this.sending;
          if (!(await this.remove(id))) await cancelJob(this.connection, id);
        });
      },
    };
  }

  /** @returns false while a worker has the job */
  async remove(id: string): Promise<boolean> {
    return (await this.queue.remove(id)) === 1;
  }

  hasWaited(ms: number): boolean {
    const until = performance.now() - ms;
    return [...this.entries.values()].some(({ hasWorker, waitsSince }) => !hasWorker && waitsSince < until);
  }

  /** Asks the server for the state of all jobs, and reports missed events. */
  async check(workers: () => Promise<readonly WorkerRecord[]>): Promise<void> {
    const entries = [...this.entries.values()].filter(({ isSent }) => isSent);
    if (entries.length === 0) return;
    const [waiting, active] = await Promise.all(
      (['waiting', 'active'] as const).map(async (state) => new Set(await this.queue.getRanges([state]))),
    );
    await Promise.all(
      entries.map(async (entry) => {
        const known = waiting.has(entry.id) ? 'waiting' : active.has(entry.id) ? 'active' : null;
        const state = known ?? (await this.queue.getJobState(entry.id));
        if (this.isCurrent(entry)) await this.handleState(entry, state, workers);
      }),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    this.entries.clear();
    await Promise.allSettled([this.events?.close(), this.queue.close()]);
  }

  private isCurrent(entry: Entry): boolean {
    return this.entries.get(entry.id) === entry;
  }

  /** The entry that an event of the server is about. */
  private confirmed(id: string): Entry | undefined {
    const entry = this.entries.get(id);
    return entry?.isConfirmed === true ? entry : undefined;
  }

  private async handleState(
    entry: Entry,
    state: string,
    workers: () => Promise<readonly WorkerRecord[]>,
  ): Promise<void> {
    entry.isConfirmed = true;
    switch (state) {
      case 'completed':
      case 'failed':
        return this.report(entry);
      case 'unknown':
        this.end(entry, { kind: 'missing' });
        return;
      default:
        if (entry.isCancelled) return this.withdraw(entry);
        if (state === 'active') return this.recognise(entry, workers);
        this.giveBack(entry);
        // Postponed by a worker for want of files, which this coordinator has.
        if (state === 'delayed') await (await this.queue.getJob(entry.id))?.promote();
    }
  }

  /** Finds the worker of a job that was started before this process listened. */
  private async recognise(entry: Entry, workers: () => Promise<readonly WorkerRecord[]>): Promise<void> {
    if (entry.hasWorker) return;
    for (const { id, host, group, jobs } of await workers()) {
      const job = jobs.find(({ run, id: name }) => run === this.options.run && name === entry.order.id);
      if (job !== undefined && this.isCurrent(entry)) this.start(entry, { id, host, group, slot: job.slot });
    }
  }

  /** Reports an ended job from what the server keeps of it. */
  private async report(entry: Entry): Promise<void> {
    const job = await this.queue.getJob(entry.id);
    if (!this.isCurrent(entry) || job?.finishedOn === undefined) return;
    const failed = (job.failedReason as string | undefined) ?? '';
    this.end(entry, failed === '' ? outcomeOfAnswer(job.returnvalue) : outcomeOfFailure(failed));
  }

  private start(entry: Entry, by: Identity): void {
    entry.hasWorker = true;
    entry.listener.started(by);
    if (entry.isCancelled) this.attempt(() => this.withdraw(entry));
  }

  private giveBack(entry: Entry): void {
    if (!entry.hasWorker) return;
    entry.hasWorker = false;
    entry.waitsSince = performance.now();
    entry.listener.returned();
    if (entry.isCancelled) this.attempt(() => this.withdraw(entry));
  }

  private end(entry: Entry, outcome: Outcome): void {
    this.entries.delete(entry.id);
    entry.listener.attemptEnded(outcome);
  }

  private async withdraw(entry: Entry): Promise<void> {
    await this.sending;
    if (!this.isCurrent(entry)) return;
    await this.report(entry);
    if (!this.isCurrent(entry)) return;
    if (!(await this.remove(entry.id))) return cancelJob(this.connection, entry.id);
    if (!this.isCurrent(entry)) return;
    this.entries.delete(entry.id);
    entry.listener.withdrawn();
  }

  /** Tries an operation; after an error, the next check repeats it. */
  private attempt(operation: () => Promise<void>): void {
    operation().catch((error: unknown) => {
      if (!this.closed) this.options.onTrouble(messageOf(error));
    });
  }

  private async send(): Promise<void> {
    try {
      this.events ??= await this.listen();
      while (this.unsent.length > 0 && !this.closed) await this.sendBatch(this.unsent.splice(0, batchSize));
    } catch (error) {
      if (!this.closed) this.options.onTrouble(messageOf(error));
    }
  }

  private async sendBatch(batch: readonly Entry[]): Promise<void> {
    const entries = batch.filter((entry) => this.isCurrent(entry));
    if (entries.length === 0) return;
    const kept = { removeOnComplete: { age: keptSeconds }, removeOnFail: { age: keptSeconds } };
    const jobs = entries.map(({ id, order, first }) => ({
      name: order.job.kind,
      data: order,
      // The coordinator counts attempts: its limit may change when a run is resumed.
      opts: { jobId: id, lifo: first, attempts: 1, ...kept },
    }));
    try {
      await Promise.all([
        forgetCancellations(
          this.connection,
          entries.map(({ id }) => id),
        ),
        this.queue.addBulk(jobs),
      ]);
    } finally {
      // After an error, the next check finds the job missing.
      for (const entry of entries) entry.isSent = true;
    }
  }

  /** Hears all events from now on. */
  private async listen(): Promise<QueueEvents> {
    const last = await this.connection.redis.xrevrange(this.queue.toKey('events'), '+', '-', 'COUNT', 1);
    const events = new QueueEvents(this.name, { ...this.connection.bull(), lastEventId: last.at(0)?.[0] ?? '0-0' });
    const hear = <E>(handle: (entry: Entry, event: E) => void) => {
      return (event: E & { readonly jobId: string }): void => {
        const entry = this.confirmed(event.jobId);
        if (entry !== undefined) handle(entry, event);
      };
    };
    events.on('error', () => undefined);
    events.on('waiting', ({ jobId, prev }) => {
      const entry = this.entries.get(jobId);
      if (entry === undefined) return;
      if (prev !== 'active') entry.isConfirmed = true;
      else if (entry.isConfirmed) this.giveBack(entry);
    });
    events.on('duplicated', ({ jobId }) => {
      const entry = this.entries.get(jobId);
      if (entry === undefined) return;
      entry.isConfirmed = true;
      this.attempt(async () => {
        const state = await this.queue.getJobState(jobId);
        if (this.isCurrent(entry)) await this.handleState(entry, state, () => listWorkers(this.connection));
      });
    });
    events.on(
      'delayed',
      hear((entry) => this.giveBack(entry)),
    );
    events.on(
      'stalled',
      hear((entry) => this.end(entry, { kind: 'vanished' })),
    );
    events.on(
      'progress',
      hear<{ data: unknown }>((entry, { data }) => this.handleProgress(entry, data)),
    );
    events.on(
      'completed',
      hear<{ returnvalue: unknown }>((entry, { returnvalue }) => this.end(entry, outcomeOfAnswer(returnvalue))),
    );
    events.on(
      'failed',
      hear<{ failedReason: string }>((entry, { failedReason }) => this.end(entry, outcomeOfFailure(failedReason))),
    );
    return events;
  }

  private handleProgress(entry: Entry, data: unknown): void {
    const progress = progressSchema.safeParse(data).data;
    if (progress?.kind === 'started') this.start(entry, progress.by);
    if (progress?.kind === 'event') entry.listener.event(progress.event);
    if (progress?.kind === 'files') entry.listener.files(progress.folders);
  }
}
