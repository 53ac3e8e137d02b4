import type { Batch, Candidate, Item, Overload } from '../scheduler/types.js';
import {
  type Answer,
  type BatchDone,
  clientGone,
  type InferencePool,
  type Input,
  NotAnswered,
  type PooledModel,
  type RefusalReason,
  type RunOptions,
} from './pool.js';
import { invalidInput, messageOf } from '../../base/errors.js';
import { outputCount, type Frontier, type Model } from '../models/model.js';
import { type Dispatch, Scheduler } from '../scheduler/scheduler.js';
import type { ServiceTime } from '../scheduler/service-time.js';
import { pixelLayout, type PixelLayout } from './pixel-layout.js';
import { acceptedBy, acceptedByChoice, checkInputs, type Accepted } from './inputs.js';
import { WorkerPool, type Worker } from './worker-pool.js';
import type { Outcome } from './engine.js';
import { RunnerEnded, type Runner } from './runner.js';

/** The images of a request, which are answered together or not at all. */
class PendingRequest {
  private readonly answers: Answer[];
  private missing: number;
  private isSettled = false;

  constructor(
    images: number,
    readonly options: RunOptions,
    /** In ms of `performance.now()`. */
    readonly arrived: number,
    private readonly resolve: (answers: readonly Answer[]) => void,
    private readonly reject: (error: NotAnswered) => void,
  ) {
    this.answers = new Array<Answer>(images);
    this.missing = images;
  }

  /** Whether the request is settled or its client has gone. */
  get isGone(): boolean {
    return this.isSettled || this.options.isGone();
  }

  answer(index: number, answer: Answer): void {
    this.answers[index] = answer;
    if (--this.missing === 0 && !this.isSettled) {
      this.isSettled = true;
      this.resolve(this.answers);
    }
  }

  refuse(error: NotAnswered): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.reject(error);
  }
}

class QueuedImage implements Item {
  readonly deadline: number;
  /** Number of workers that ended while they computed the image. */
  crashes = 0;

  constructor(
    readonly request: PendingRequest,
    readonly index: number,
    readonly input: Input,
    readonly only: number | null,
  ) {
    this.deadline = request.options.deadline;
  }

  isGone(): boolean {
    return this.request.isGone;
  }
}

export interface MeasuredModel extends PooledModel {
  readonly service: ServiceTime;
}

interface QueuedPoolOptions {
  readonly frontier: Frontier;
  /** In the order of the frontier's models. */
  readonly models: readonly MeasuredModel[];
  /** Number of threads; 0: inline. */
  readonly workers: number;
  readonly maxQueue: number;
  readonly runners: readonly Runner[];
  readonly start: () => Promise<Runner>;
  readonly onBatch: (batch: BatchDone) => void;
  readonly onWarning: (message: string) => void;
}

const refusals: { readonly [R in Overload | 'expired' | 'closing']: string } = {
  full: 'the queue is full',
  hopeless: 'no network would answer in time: allow more time, or try again later',
  expired: 'the deadline has passed',
  closing: 'the models are being closed',
};

/** An image that was in flight in this many worker crashes is not computed again. */
const maxCrashes = 2;

/** Node fires longer timers at once, ms. */
const longestTimer = 2 ** 31 - 1;

/** Runners behind one queue; the scheduler assigns the batches. */
export class QueuedPool implements InferencePool {
  private readonly scheduler: Scheduler<QueuedImage>;
  private readonly workerPool: WorkerPool;
  private readonly indices: ReadonlyMap<Model, number>;
  readonly frontier: Frontier;
  readonly models: readonly PooledModel[];
  readonly workers: number;
  readonly layout: PixelLayout;
  private readonly accepted: readonly Accepted[];
  private readonly acceptedByChoice: Accepted;
  private willDispatch = false;
  /** Wakes at the earliest deadline of a queued image. */
  private alarm: { readonly at: number; readonly timer: NodeJS.Timeout } | null = null;
  private closed: Promise<void> | null = null;
  private onDrained: () => void = () => undefined;

  constructor(private readonly options: QueuedPoolOptions) {
    const { frontier, models, runners, start, onWarning } = options;
    this.frontier = frontier;
    this.models = models;
    this.workers = options.workers;
    this.scheduler = new Scheduler(
      models.map((model) => candidateOf(model, frontier)),
      { workers: runners.length, maxQueue: options.maxQueue },
    );
    this.workerPool = new WorkerPool(runners, {
      start,
      ms: (network, images) => models[network].ms(images),
      onWarning,
      onChange: () => this.dispatch(),
    });
    this.indices = new Map(models.map(({ model }, index) => [model, index]));
    this.layout = pixelLayout(frontier.models);
    this.accepted = models.map(({ model }) => acceptedBy(model, this.layout));
    this.acceptedByChoice = acceptedByChoice(frontier, this.layout);
  }

  get depth(): number {
    return this.scheduler.depth;
  }

  get running(): number {
    return this.workerPool.running;
  }

  expectedMs(only: Model | null): number {
    return this.expected(this.indexOf(only));
  }

  async run(inputs: readonly Input[], options: RunOptions): Promise<readonly Answer[]> {
    const only = this.indexOf(options.only);
    checkInputs(inputs, only === null ? this.acceptedByChoice : this.accepted[only]);
    if (this.closed !== null) throw new NotAnswered('closing', refusals.closing);
    if (inputs.length === 0) return [];
    return new Promise((resolve, reject) => {
      const arrived = performance.now();
      const request = new PendingRequest(inputs.length, options, arrived, resolve, reject);
      const items = inputs.map((input, index) => new QueuedImage(request, index, input, only));
      const overload = this.scheduler.offer(items, arrived, this.workerPool.startsIn(arrived));
      if (overload === null) this.dispatchSoon();
      else request.refuse(new NotAnswered(overload, refusals[overload], this.expected(only)));
    });
  }

  close(): Promise<void> {
    this.closed ??= new Promise<void>((resolve) => {
      this.onDrained = resolve;
      this.dispatchSoon();
    }).then(() => this.workerPool.close());
    return this.closed;
  }

  /** Decides once for all requests of one iteration of the event loop. */
  private dispatchSoon(): void {
    if (this.willDispatch) return;
    this.willDispatch = true;
    setImmediate(() => {
      this.willDispatch = false;
      this.dispatch();
    });
  }

  /** Assigns batches to idle workers while items wait. */
  private dispatch(): void {
    const { down } = this.workerPool;
    if (down !== null) {
      this.failAll(down);
      return;
    }
    for (;;) {
      const now = performance.now();
      const worker = this.workerPool.idleWorker(now);
      const batch = worker === null ? null : this.take(now);
      if (worker === null || batch === null) break;
      void this.compute(worker, batch, now);
    }
    if (this.scheduler.depth === 0 && this.workerPool.running === 0) this.onDrained();
    this.watchDeadline();
  }

  /** Refuses queued images at their deadlines, also while all workers compute. */
  private watchDeadline(): void {
    const { firstDeadline } = this.scheduler;
    // A timer that is early looks again: setting it for each batch would cost as much as a small network.
    if (firstDeadline === null || (this.alarm !== null && this.alarm.at <= firstDeadline)) return;
    clearTimeout(this.alarm?.timer);
    const ring = (): void => {
      this.alarm = null;
      this.dismiss(this.scheduler.expire(performance.now()));
      this.dispatch();
    };
    const wait = Math.min(longestTimer, Math.max(1, firstDeadline - performance.now()));
    this.alarm = { at: firstDeadline, timer: setTimeout(ring, wait).unref() };
  }

  private dismiss({ expired, gone }: Pick<Dispatch<QueuedImage>, 'expired' | 'gone'>): void {
    refuse(expired, 'expired', refusals.expired);
    for (const { request } of gone) request.refuse(clientGone);
  }

  private take(now: number): Batch<QueuedImage> | null {
    const taken = this.scheduler.take(now, Math.max(1, this.workerPool.idle));
    this.dismiss(taken);
    return taken.batch;
  }

  private failAll(why: string): void {
    for (let batch = this.take(performance.now()); batch !== null; batch = this.take(performance.now()))
      refuse(batch.items, 'failed', why);
    this.onDrained();
  }

  private async compute(worker: Worker, { network, items }: Batch<QueuedImage>, began: number): Promise<void> {
    const inputs = items.map(({ input }) => input);
    try {
      const { outputs, ms } = await this.workerPool.run(worker, network, inputs, began);
      const model = this.options.models[network];
      model.service.observe(items.length, ms);
      // The worker gets its next batch before the answers are sent.
      this.next();
      this.answer(model.model, items, { outputs, ms, began });
    } catch (error) {
      if (error instanceof RunnerEnded) this.putBack(items, error.wasComputing);
      else refuse(items, 'failed', `the network failed: ${messageOf(error)}`);
      this.dispatchSoon();
    }
  }

  /** An idle worker costs throughput. Inline there is none, and requests read in the next iteration join the batch. */
  private next(): void {
    if (this.options.workers === 0) this.dispatchSoon();
    else this.dispatch();
  }

  private answer(
    model: Model,
    items: readonly QueuedImage[],
    { outputs, ms, began }: Outcome & { readonly began: number },
  ): void {
    const now = performance.now();
    const count = outputCount(model);
    let late = 0;
    for (const [i, { request, index, deadline }] of items.entries()) {
      const isLate = now > deadline;
      if (isLate) late++;
      this.scheduler.observe(isLate);
      request.answer(index, {
        model,
        outputs: outputs.subarray(i * count, (i + 1) * count),
        batch: items.length,
        queuedMs: began - request.arrived,
        computedMs: ms,
      });
    }
    this.options.onBatch({ model, size: items.length, ms, late });
  }

  /** Queues the images of a dead worker again, except images that were in flight in too many crashes. */
  private putBack(items: readonly QueuedImage[], wasComputing: boolean): void {
    if (wasComputing) for (const item of items) item.crashes++;
    refuse(
      items.filter(({ crashes }) => crashes >= maxCrashes),
      'failed',
      `${maxCrashes} inference threads ended while they computed it`,
    );
    this.scheduler.putBack(items.filter(({ crashes }) => crashes < maxCrashes));
  }

  private expected(only: number | null): number {
    return this.workerPool.startsIn(performance.now()) + this.scheduler.expectedMs(only);
  }

  private indexOf(model: Model | null): number | null {
    if (model === null) return null;
    const index = this.indices.get(model);
    if (index === undefined) throw invalidInput(`the model '${model.name}' is not open`);
    return index;
  }
}

function refuse(items: readonly QueuedImage[], reason: RefusalReason, message: string): void {
  for (const { request } of items) request.refuse(new NotAnswered(reason, message));
}

/** The scheduler may choose a model of the frontier's choice, including a single model of unknown accuracy. */
const candidateOf = ({ model, maxBatch, ms }: MeasuredModel, { choice }: Frontier): Candidate => ({
  accuracy: choice.includes(model) ? (model.accuracy ?? 0) : null,
  maxBatch,
  ms,
});
