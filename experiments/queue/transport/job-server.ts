import { DelayedError, WaitingError, Worker, type Job as QueuedJob } from 'bullmq';
import type { QueueConnection } from '../connection.js';
import { queueName, type Requirements } from '../queues.js';
import { every } from '../registry.js';
import { type Answer, type Failure, isCancelled, onCancelledJob, type Order, type Progress } from './messages.js';

/** The slots of a worker process: a semaphore that all its queues share, first come, first served. */
export class Slots {
  private readonly free: number[];
  private waiting: ((slot: number | null) => void)[] = [];
  private isOpen = true;
  private closed = false;

  constructor(size: number) {
    this.free = Array.from({ length: size }, (_, slot) => slot);
  }

  /** The lowest free slot, as soon as there is one; null when the semaphore is closed. */
  acquire(): Promise<number | null> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.grant();
    });
  }

  release(slot: number): void {
    this.free.push(slot);
    this.free.sort((a, b) => a - b);
    this.grant();
  }

  /** Whether slots are granted at the moment. */
  setOpen(isOpen: boolean): void {
    this.isOpen = isOpen;
    this.grant();
  }

  /** Grants no further slot. */
  close(): void {
    this.closed = true;
    for (const resolve of this.waiting.splice(0)) resolve(null);
  }

  private grant(): void {
    if (this.closed) this.close();
    while (this.isOpen && this.waiting.length > 0 && this.free.length > 0)
      this.waiting.shift()?.(this.free.shift() ?? null);
  }
}

/** A job that this process has taken from a queue. BullMQ renews its lock. */
export interface Delivery {
  /** The same for every submission of the same work. */
  readonly id: string;
  readonly slot: number;
  /** An order, not yet validated. */
  readonly data: unknown;
  /** Aborted when its submitter cancels it. */
  readonly cancelled: AbortSignal;
  /** Aborted when the lock is lost: the job belongs to another worker, or to none. */
  readonly lost: AbortSignal;
  /** Whether it was cancelled before it was delivered. */
  isCancelled(): Promise<boolean>;
  /** Reports progress, in order; losing one is harmless, since the answer contains everything. */
  report(progress: Progress): void;
  /** Replaces the order by one that continues from newer files. @returns false when the job is lost */
  update(order: Order): Promise<boolean>;
}

/** What becomes of a delivered job. */
export type Settlement =
  | { readonly kind: 'complete'; readonly answer: Answer }
  | { readonly kind: 'fail'; readonly failure: Failure }
  /** Another worker takes it next. */
  | { readonly kind: 'give-back' }
  /** It is taken again later. */
  | { readonly kind: 'postpone'; readonly ms: number }
  /** Its lock lapses. */
  | { readonly kind: 'leave' };

export interface Processed {
  readonly settlement: Settlement;
  /** Called when the server has taken the settlement; `false`: the job was lost before. */
  settled(isTaken: boolean): void;
}

export interface JobServerOptions {
  readonly slots: Slots;
  /** The number of slots. */
  readonly size: number;
  /** Names the worker process. */
  readonly name: string;
  /** A worker that is not heard of for so long is considered dead, in ms: the life of its locks. */
  readonly patienceMs: number;
  /** Does a job; must not throw. */
  readonly process: (delivery: Delivery) => Promise<Processed>;
}

/** Seconds after which an idle queue is asked again, without an event. */
const drainSeconds = 2;
/** Before a command that failed is repeated, in ms. */
const retryMs = 1000;

/** Takes jobs from queues as long as there are free slots. */
export class JobServer {
  private readonly workers: readonly SlotWorker[];
  private unsubscribe: () => void = () => undefined;

  private constructor(
    private readonly connection: QueueConnection,
    queues: readonly Requirements[],
    private readonly options: JobServerOptions,
  ) {
    this.workers = queues.map((wanted) => new SlotWorker(connection, queueName(wanted), options));
  }

  static async start(
    connection: QueueConnection,
    queues: readonly Requirements[],
    options: JobServerOptions,
  ): Promise<JobServer> {
    const server = new JobServer(connection, queues, options);
    server.unsubscribe = await onCancelledJob(connection, (job) => {
      for (const worker of server.workers) worker.cancel(job);
    });
    for (const worker of server.workers) worker.begin();
    return server;
  }

  /** Takes no more jobs; resolves when those under way are settled. */
  async stop(): Promise<void> {
    const closed = Promise.all(this.workers.map((worker) => worker.close()));
    this.options.slots.close();
    await closed;
    this.unsubscribe();
  }

  /** Ends at once, as if the process had died. */
  async kill(): Promise<void> {
    this.options.slots.close();
    for (const worker of this.workers) worker.loseAll();
    this.connection.redis.disconnect();
    await Promise.all(this.workers.map((worker) => worker.close(true)));
  }
}

/** A job under way. */
interface Part {
  readonly cancelling: AbortController;
  readonly losing: AbortController;
  readonly over: Promise<void>;
  slot: number;
  processed: Processed | undefined;
  isTaken: boolean;
}

/** A BullMQ worker that fetches a job only while it holds one of the slots which it shares with other queues. */
class SlotWorker extends Worker<unknown, unknown> {
  private readonly parts = new Map<string, Part>();
  private readonly fetched = new WeakMap<QueuedJob, number>();

  constructor(
    private readonly shared: QueueConnection,
    queue: string,
    private readonly server: JobServerOptions,
  ) {
    const { patienceMs, name, size } = server;
    super(queue, (job, token) => this.deliver(job, token ?? ''), {
      ...shared.bull(),
      name,
      // The fields of this class have no values yet.
      autorun: false,
      concurrency: size,
      lockDuration: patienceMs,
      lockRenewTime: patienceMs / 3,
      stalledInterval: Math.max(1, Math.round(patienceMs / 4)),
      // A job whose worker is gone fails, and its coordinator decides about another attempt.
      maxStalledCount: 0,
      drainDelay: drainSeconds,
      runRetryDelay: retryMs,
    });
    this.on('error', () => undefined);
    this.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.parts.get(id)?.losing.abort();
    });
    this.on('completed', (job) => this.taken(job));
    this.on('failed', (job) => this.taken(job));
  }

  begin(): void {
    this.run().catch(() => undefined);
  }

  cancel(id: string): void {
    this.parts.get(id)?.cancelling.abort();
  }

  loseAll(): void {
    for (const { losing } of this.parts.values()) losing.abort();
  }

  protected override async moveToActive(token: string, name?: string): Promise<QueuedJob<unknown, unknown>> {
    const slot = await this.server.slots.acquire();
    // BullMQ's types do not say that there may be no job.
    let job = undefined as unknown as QueuedJob<unknown, unknown>;
    if (slot === null) return job;
    try {
      job = await super.moveToActive(token, name);
    } finally {
      if ((job as QueuedJob | undefined) === undefined) this.server.slots.release(slot);
      else this.fetched.set(job, slot);
    }
    return job;
  }

  override async processJob(job: QueuedJob<unknown, unknown>, token: string): Promise<undefined> {
    const id = job.id ?? '';
    const before = this.parts.get(id)?.over;
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    const slot = this.fetched.get(job) ?? 0;
    const part: Part = {
      cancelling: new AbortController(),
      losing: new AbortController(),
      over,
      slot,
      processed: undefined,
      isTaken: false,
    };
    try {
      if (before !== undefined) await this.holdUntil(before, job, token);
      this.parts.set(id, part);
      // Without the next job: other queues may have waited longer for the slot.
      await super.processJob(job, token, () => false);
    } finally {
      if (this.parts.get(id) === part) this.parts.delete(id);
      part.processed?.settled(part.isTaken && !part.losing.signal.aborted);
      end();
      this.server.slots.release(slot);
    }
  }

  /** This process lost the job, has taken it again, and still ends its earlier part. BullMQ renews the lock later. */
  private async holdUntil(before: Promise<void>, job: QueuedJob, token: string): Promise<void> {
    const { patienceMs } = this.server;
    const renewal = every(patienceMs / 4, () => job.extendLock(token, patienceMs));
    await before;
    renewal.stop();
  }

  private taken(job: QueuedJob | undefined): void {
    const part = this.parts.get(job?.id ?? '');
    if (part !== undefined) part.isTaken = true;
  }

  /** The processor of the queue. */
  private async deliver(job: QueuedJob<unknown, unknown>, token: string): Promise<unknown> {
    const id = job.id ?? '';
    const part = this.parts.get(id);
    if (part === undefined) throw new WaitingError();
    const { patienceMs, process } = this.server;
    part.processed = await process({
      id,
      slot: part.slot,
      data: job.data,
      cancelled: part.cancelling.signal,
      lost: part.losing.signal,
      isCancelled: () => isCancelled(this.shared, id),
      report: (progress) => void job.updateProgress(progress).catch(() => undefined),
      update: async (order) => {
        if ((await job.extendLock(token, patienceMs)) !== 1) return false;
        await job.updateData(order);
        return true;
      },
    });
    const { settlement } = part.processed;
    switch (settlement.kind) {
      case 'complete':
        return settlement.answer;
      case 'fail': {
        const error = new Error(JSON.stringify(settlement.failure));
        // BullMQ would keep the stack with the job.
        error.stack = '';
        throw error;
      }
      case 'give-back':
        await job.moveToWait(token);
        part.isTaken = true;
        throw new WaitingError();
      case 'postpone':
        await job.moveToDelayed(Date.now() + settlement.ms, token);
        part.isTaken = true;
        throw new DelayedError();
      case 'leave':
        throw new WaitingError();
    }
  }
}
