import { Queue, QueueEvents } from 'bullmq';
import { messageOf } from '../../base/errors.js';
import type { QueueConnection } from '../connection.js';
import { queueName, type Requirements } from '../queues.js';
import { cancelChannel } from './job-server.js';
import { outcomeOf, progressSchema, type Order, type Outcome, type Progress } from './messages.js';

/** Receives the progress and the outcome of a submitted job. */
export interface SubmissionListener {
  progress(progress: Progress): void;
  /** The attempt ended, or the job was withdrawn; nothing follows. */
  ended(outcome: Outcome): void;
}

/** A job on its way through a queue. */
export interface Submission {
  /** Takes the job from the queue, or asks its worker to stop it, until `ended` is called. */
  cancel(): void;
  /** Like `cancel`, but the listener is called no more. */
  abandon(): void;
  /** The listener is called no more; the job stays as it is. */
  forget(): void;
}

export interface SubmittedJob {
  readonly id: string;
  readonly order: Order;
  readonly listener: SubmissionListener;
  /** Whether it comes before the waiting jobs. */
  readonly first: boolean;
  /** How long no worker may take it, in ms. */
  readonly pauseMs: number;
}

/** Answers of a killed coordinator's jobs are kept for a week. */
const keptSeconds = 7 * 24 * 3600;
/** Most events that a queue keeps, of all its jobs. */
const keptEvents = 20_000;
/** Jobs in one command. */
const batchSize = 250;
/** A submitted job. A new submission of the same id is another entry, so late replies about the old one are dropped. */
interface Entry extends SubmittedJob {
  /** Whether the server has it, or had it. */
  isAdded?: boolean;
  isCancelled?: boolean;
  /** Since when it waits for a worker, in ms of `performance.now`; null: a worker has it. */
  waitsSince?: number | null;
}

/** The jobs of a run in one BullMQ queue. */
export class JobQueue {
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
    private readonly onTrouble: (message: string) => void,
  ) {
    this.name = queueName(wanted);
    this.queue = new Queue(this.name, { ...connection.bull(), streams: { events: { maxLen: keptEvents } } });
    // Connection errors: every command is repeated.
    this.queue.on('error', () => undefined);
  }

  submit(entry: Entry): Submission {
    const { id } = entry;
    entry.waitsSince = performance.now() + entry.pauseMs;
    this.entries.set(id, entry);
    this.unsent.push(entry);
    this.sending ??= this.send().finally(() => (this.sending = undefined));
    const forget = (): void => {
      if (this.isCurrent(entry)) this.entries.delete(id);
    };
    return {
      cancel: () => {
        entry.isCancelled = true;
        this.attempt(() => this.withdraw(entry));
      },
      forget,
      abandon: () => {
        forget();
        this.attempt(() => this.stop(id));
      },
    };
  }

  /** @returns false while a worker has the job */
  async remove(id: string): Promise<boolean> {
    return (await this.queue.remove(id)) === 1;
  }

  hasWaited(ms: number): boolean {
    const until = performance.now() - ms;
    return [...this.entries.values()].some(({ waitsSince }) => typeof waitsSince === 'number' && waitsSince < until);
  }

  /** Asks the server for the state of all jobs, and reports missed events. */
  async check(): Promise<void> {
    const entries = [...this.entries.values()].filter(({ isAdded }) => isAdded);
    if (entries.length === 0) return;
    const known = new Set(await this.queue.getRanges(['waiting', 'active', 'delayed']));
    await Promise.all(
      entries.map(async (entry) => {
        if (entry.isCancelled) await this.withdraw(entry);
        else if (!known.has(entry.id)) await this.report(entry);
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

  /** Reports the outcome of a job, if it has ended. */
  private async report(entry: Entry): Promise<void> {
    const { isAdded } = entry;
    const job = await this.queue.getJob(entry.id);
    if (job !== undefined) this.end(entry, outcomeOf(job));
    else if (isAdded) this.end(entry, { kind: 'missing' });
  }

  private end(entry: Entry, outcome: Outcome | undefined): void {
    if (outcome === undefined || !this.isCurrent(entry)) return;
    this.entries.delete(entry.id);
    entry.listener.ended(outcome);
  }

  private async withdraw(entry: Entry): Promise<void> {
    await this.sending;
    if (this.isCurrent(entry)) await this.report(entry);
    if (this.isCurrent(entry) && (await this.stop(entry.id))) this.end(entry, { kind: 'withdrawn' });
  }

  /** Takes a job from the queue, or asks its worker to stop it. @returns whether it was taken from the queue */
  private async stop(id: string): Promise<boolean> {
    await this.sending;
    const isRemoved = await this.remove(id);
    if (!isRemoved) await this.connection.redis.publish(cancelChannel(this.connection), id);
    return isRemoved;
  }

  /** Tries an operation; after an error, the next check repeats it. */
  private attempt(operation: () => Promise<unknown>): void {
    operation().catch((error: unknown) => {
      if (!this.closed) this.onTrouble(messageOf(error));
    });
  }

  private async send(): Promise<void> {
    try {
      this.events ??= await this.listen();
      while (this.unsent.length > 0 && !this.closed) await this.sendBatch(this.unsent.splice(0, batchSize));
    } catch (error) {
      if (!this.closed) this.onTrouble(messageOf(error));
    }
  }

  private async sendBatch(batch: readonly Entry[]): Promise<void> {
    const entries = batch.filter((entry) => this.isCurrent(entry));
    const kept = { removeOnComplete: { age: keptSeconds }, removeOnFail: { age: keptSeconds } };
    const jobs = entries.map(({ id, order, first, pauseMs }) => ({
      name: order.job.kind,
      data: order,
      // The coordinator counts attempts: its limit may change when a run is resumed.
      opts: { jobId: id, lifo: first, delay: pauseMs, attempts: 1, ...kept },
    }));
    try {
      await this.queue.addBulk(jobs);
    } finally {
      // After an error, the next check finds the job missing.
      for (const entry of entries) entry.isAdded = true;
    }
  }

  /** Receives all events from now on. The end of a job is read from the job itself: an event may be of an earlier attempt. */
  private async listen(): Promise<QueueEvents> {
    const last = await this.connection.redis.xrevrange(this.queue.toKey('events'), '+', '-', 'COUNT', 1);
    const events = new QueueEvents(this.name, { ...this.connection.bull(), lastEventId: last.at(0)?.[0] ?? '0-0' });
    events.on('error', () => undefined);
    events.on('progress', ({ jobId, data }) => {
      const entry = this.entries.get(jobId);
      const { data: progress } = progressSchema.safeParse(data);
      if (entry === undefined || progress === undefined) return;
      entry.waitsSince = null;
      entry.listener.progress(progress);
    });
    const report = ({ jobId }: { readonly jobId: string }): void => {
      const entry = this.entries.get(jobId);
      if (entry !== undefined) this.attempt(() => this.report(entry));
    };
    for (const event of ['completed', 'failed', 'stalled', 'duplicated'] as const) events.on(event, report);
    return events;
  }
}
