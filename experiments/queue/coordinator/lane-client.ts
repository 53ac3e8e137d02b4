import { Queue, QueueEvents } from 'bullmq';
import { messageOf } from '../../../base/errors.js';
import type { QueueConnection } from '../connection.js';
import { queueName, type Lane } from '../lanes.js';
import type { Signals } from '../signals.js';
import type { Order } from '../wire.js';

/** Where a job is on the server; `unknown`: it is not there. */
export type LaneState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'unknown';

/** A finished or running job as the server has it. */
export interface LaneJob {
  readonly state: LaneState;
  /** What it returned, where it is completed. */
  readonly answer: unknown;
  /** Why it failed, where it did. */
  readonly reason: string;
  /** How often its worker was not heard of any more. */
  readonly stalls: number;
}

/** Who waits for a job of a lane. */
export interface LaneListener {
  /** Grows each time that it is added: what was asked about it before says nothing any more. */
  readonly generation: number;
  /** It is there already: it was added before this process was killed, or twice as a connection broke. */
  duplicated(): void;
  news(data: unknown): void;
  completed(answer: unknown): void;
  failed(reason: string): void;
  stalled(): void;
  /** Its worker has given it back. */
  returned(): void;
  /** Where it is, asked every few seconds; what happened may have been missed. */
  seen(state: LaneState): void;
}

interface Addition {
  readonly id: string;
  readonly order: Order;
  readonly first: boolean;
}

export interface LaneOptions {
  readonly signals: Signals;
  /** Told what went wrong on the way to the server; it is tried again. */
  readonly onTrouble: (message: string) => void;
}

/** Days for which an answer waits for a coordinator that was killed. */
const keptSeconds = 7 * 24 * 3600;
/** Events that a lane remembers, of all its jobs. */
const keptEvents = 20_000;
/** Jobs that are added in one go. */
const mostAtOnce = 250;

/** The jobs of one lane on the queue server, from the side of who has them done. */
export class LaneClient {
  readonly name: string;
  private readonly queue: Queue;
  private events: QueueEvents | undefined;
  private readonly listeners = new Map<string, LaneListener>();
  /** Jobs whose addition has not yet been told of: what is told before it is of an earlier life of theirs. */
  private readonly unborn = new Set<string>();
  private readonly additions: Addition[] = [];
  private opening: Promise<void> | undefined;
  private adding = false;
  private closed = false;

  constructor(
    private readonly connection: QueueConnection,
    readonly lane: Lane,
    private readonly options: LaneOptions,
  ) {
    this.name = queueName(lane);
    this.queue = new Queue(this.name, { ...connection.bull(), streams: { events: { maxLen: keptEvents } } });
    this.queue.on('error', () => undefined);
  }

  /** Adds a job, after those that were added before; `first`: workers take it before all that wait. */
  add(id: string, order: Order, listener: LaneListener, { first = false } = {}): void {
    this.listeners.set(id, listener);
    this.unborn.add(id);
    this.additions.push({ id, order, first });
    if (!this.adding) void this.flush();
  }

  /** Nobody waits for a job any more: what comes of it is not heard. */
  forget(id: string): void {
    this.listeners.delete(id);
    this.unborn.delete(id);
  }

  /** Takes a job from the server, unless a worker is at it. */
  async remove(id: string): Promise<boolean> {
    return (await this.queue.remove(id)) === 1;
  }

  /** Has a job begun now that was put off. */
  async promote(id: string): Promise<void> {
    await (await this.queue.getJob(id))?.promote();
    await this.options.signals.wake(this.name);
  }

  async look(id: string): Promise<LaneJob> {
    const [state, job] = await Promise.all([this.queue.getJobState(id), this.queue.getJob(id)]);
    return {
      state: known(state),
      answer: job?.returnvalue,
      reason: job?.failedReason ?? '',
      stalls: job?.stalledCounter ?? 0,
    };
  }

  /** Tells all listeners where their jobs are. */
  async reconcile(): Promise<void> {
    const before = new Map([...this.listeners].map(([id, { generation }]) => [id, generation]));
    if (before.size === 0) return;
    const added = new Set(this.additions.map(({ id }) => id));
    const [waiting, active] = await Promise.all(
      (['waiting', 'active'] as const).map(async (type) => new Set(await this.queue.getRanges([type]))),
    );
    const stateOf = async (id: string): Promise<LaneState> => {
      if (waiting.has(id)) return 'waiting';
      return active.has(id) ? 'active' : known(await this.queue.getJobState(id));
    };
    await Promise.all(
      [...before].map(async ([id, generation]) => {
        if (added.has(id)) return;
        const state = await stateOf(id);
        const listener = this.listeners.get(id);
        if (listener?.generation !== generation) return;
        this.unborn.delete(id);
        listener.seen(state);
      }),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    await Promise.allSettled([this.events?.close(), this.queue.close()]);
  }

  private async flush(): Promise<void> {
    this.adding = true;
    try {
      this.opening ??= this.open();
      await this.opening;
      while (this.additions.length > 0 && !this.closed) await this.addSome(this.additions.splice(0, mostAtOnce));
    } catch (error) {
      // They are added again when the server is asked where they are.
      if (!this.closed) this.options.onTrouble(messageOf(error));
    } finally {
      this.adding = false;
    }
  }

  private async addSome(some: readonly Addition[]): Promise<void> {
    const { signals } = this.options;
    const jobs = some.filter(({ id }) => this.listeners.has(id));
    if (jobs.length === 0) return;
    // Whoever cancelled them before, in an earlier life of the run, does not mean these.
    const revived = signals.allow(jobs.map(({ id }) => id));
    const opts = (jobId: string, first: boolean) => ({
      jobId,
      lifo: first,
      attempts: 1,
      removeOnComplete: { age: keptSeconds },
      removeOnFail: { age: keptSeconds },
    });
    const added = this.queue.addBulk(
      jobs.map(({ id, order, first }) => ({ name: order.job.kind, data: order, opts: opts(id, first) })),
    );
    await Promise.all([revived, added]);
    await signals.wake(this.name);
  }

  /** Listens from here on, missing nothing that happens after this. */
  private async open(): Promise<void> {
    const last = await this.connection.redis.xrevrange(this.queue.toKey('events'), '+', '-', 'COUNT', 1);
    const lastEventId = last.at(0)?.[0] ?? '0-0';
    const events = new QueueEvents(this.name, { ...this.connection.bull(), lastEventId });
    events.on('error', () => undefined);
    events.on('waiting', ({ jobId, prev }) => this.born(jobId, prev === 'active'));
    events.on('delayed', ({ jobId }) => this.hear(jobId)?.returned());
    events.on('duplicated', ({ jobId }) => {
      this.born(jobId, false);
      this.hear(jobId)?.duplicated();
    });
    events.on('progress', ({ jobId, data }) => this.hear(jobId)?.news(data));
    events.on('stalled', ({ jobId }) => this.hear(jobId)?.stalled());
    events.on('completed', ({ jobId, returnvalue }) => this.hear(jobId)?.completed(returnvalue));
    events.on('failed', ({ jobId, failedReason }) => this.hear(jobId)?.failed(failedReason));
    this.events = events;
    if (this.closed) await events.close();
  }

  private born(id: string, returned: boolean): void {
    if (returned) this.hear(id)?.returned();
    else this.unborn.delete(id);
  }

  private hear(id: string): LaneListener | undefined {
    return this.unborn.has(id) ? undefined : this.listeners.get(id);
  }
}

function known(state: string): LaneState {
  switch (state) {
    case 'active':
    case 'delayed':
    case 'completed':
    case 'failed':
    case 'unknown':
      return state;
    default:
      return 'waiting';
  }
}
