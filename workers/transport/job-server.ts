import { WaitingError, Worker, type Job as QueuedJob } from 'bullmq';
import type { QueueConnection } from '../connection.js';
import { queueName, type Requirements } from '../queues.js';
import { every } from '../registry.js';
import type { Ending, Progress } from './messages.js';

/** The slots of a worker process: a semaphore that all its queues share, first come, first served. */
export class Slots {
  private readonly free: number[];
  private waiting: ((slot: number | null) => void)[] = [];
  private isOpen = true;
  private closed = false;

  constructor(readonly size: number) {
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
    this.grant();
  }

  private grant(): void {
    if (this.closed) for (const resolve of this.waiting.splice(0)) resolve(null);
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
  /** Aborted when its submitter cancels it, and when the lock is lost; its reason says which (`lostLock`). */
  readonly signal: AbortSignal;
  /** Reports progress, in order; losing one is harmless, since the ending contains everything. */
  report(progress: Progress): void;
}

/** The reason of a delivery's signal when the job belongs to another worker, or to none. */
export const lostLock = 'the lock is lost';

/** The channel on which workers receive the ids of cancelled jobs. */
export const cancelChannel = (connection: QueueConnection): string => connection.key('signal', 'cancel');

export interface JobServerOptions {
  readonly slots: Slots;
  /** Names the worker process. */
  readonly name: string;
  /** A worker that is silent for so long counts as dead, in ms: the life of its locks. */
  readonly patienceMs: number;
  /** Does a job; must not throw. Null: its lock is lost, or lapses. */
  readonly process: (delivery: Delivery) => Promise<Ending | null>;
}

/** Seconds after which an idle queue is asked again, without an event. */
const drainSeconds = 2;
/** Before a command that failed is repeated, in ms. */
const retryMs = 1000;

/**
 * Takes jobs from queues as long as there are free slots.
 * @returns takes no more jobs, and resolves when the answers of those under way are stored
 */
export async function serveJobs(
  connection: QueueConnection,
  queues: readonly Requirements[],
  options: JobServerOptions,
): Promise<() => Promise<void>> {
  const workers = queues.map((wanted) => new SlotWorker(connection, queueName(wanted), options));
  const unsubscribe = await connection.subscribe(cancelChannel(connection), (job) => {
    for (const worker of workers) worker.cancelJob(job, 'cancelled');
  });
  for (const worker of workers) worker.run().catch(() => undefined);
  return async () => {
    const closed = Promise.all(workers.map((worker) => worker.close()));
    options.slots.close();
    await closed;
    unsubscribe();
  };
}

/** A BullMQ worker that fetches a job only while it holds one of the slots which it shares with other queues. */
class SlotWorker extends Worker<unknown, Ending> {
  private readonly slotOf = new WeakMap<object, number>();
  /** The end of each job under way. */
  private readonly ends = new Map<string, Promise<unknown>>();

  constructor(
    connection: QueueConnection,
    queue: string,
    private readonly server: JobServerOptions,
  ) {
    const { patienceMs, name, slots } = server;
    // BullMQ makes a signal for processors with three parameters.
    super(queue, (job, _token, signal) => this.deliver(job, signal), {
      ...connection.bull(),
      name,
      // The fields of this class have no values yet.
      autorun: false,
      concurrency: slots.size,
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
      for (const id of ids) this.cancelJob(id, lostLock);
    });
  }

  protected override async moveToActive(token: string, name?: string): Promise<QueuedJob<unknown, Ending>> {
    // BullMQ's types do not say that there may be no job.
    let job = undefined as unknown as QueuedJob<unknown, Ending>;
    const slot = await this.server.slots.acquire();
    if (slot === null) return job;
    try {
      job = await super.moveToActive(token, name);
    } finally {
      if ((job as QueuedJob | undefined) === undefined) this.server.slots.release(slot);
      else this.slotOf.set(job, slot);
    }
    return job;
  }

  override async processJob(job: QueuedJob<unknown, Ending>, token: string): Promise<undefined> {
    const id = job.id ?? '';
    const end = this.processAfter(this.ends.get(id), job, token);
    this.ends.set(id, end);
    try {
      await end;
    } finally {
      if (this.ends.get(id) === end) this.ends.delete(id);
      this.server.slots.release(this.slotOf.get(job) ?? 0);
    }
  }

  /** @param before this process lost the job, has taken it again, and still ends its earlier part */
  private async processAfter(before: Promise<unknown> | undefined, job: QueuedJob<unknown, Ending>, token: string) {
    if (before !== undefined) {
      // BullMQ renews the lock later.
      const { patienceMs } = this.server;
      const renewal = every(patienceMs / 4, () => job.extendLock(token, patienceMs));
      await before.catch(() => undefined);
      renewal.stop();
    }
    // Without the next job: other queues may have waited longer for the slot.
    await super.processJob(job, token, () => false);
  }

  /** The processor of the queue. */
  private async deliver(job: QueuedJob<unknown, Ending>, signal = new AbortController().signal): Promise<Ending> {
    const ending = await this.server.process({
      id: job.id ?? '',
      slot: this.slotOf.get(job) ?? 0,
      data: job.data,
      signal,
      report: (progress) => void job.updateProgress(progress).catch(() => undefined),
    });
    if (ending === null) throw new WaitingError();
    return ending;
  }
}
