import { invalidInput, messageOf } from '../../base/errors.js';
import type { Frontier, ImageSize, Model } from '../models/model.js';
import { Scheduler } from '../scheduler/scheduler.js';
import type { ServiceTime } from '../scheduler/service-time.js';
import type { Batch, Candidate, Overload } from '../scheduler/types.js';
import { acceptedBy, acceptedByChoice, checkInputs, type Accepted } from './accepted.js';
import { Crew, type Worker } from './crew.js';
import type { Outcome } from './engine.js';
import type { InferencePool } from './pool.js';
import { Request, Waiting } from './request.js';
import { RunnerEnded, type Runner } from './runner.js';
import {
  NotAnswered,
  type Answer,
  type BatchDone,
  type Input,
  type PooledModel,
  type RefusalReason,
  type RunOptions,
} from './types.js';

/** A model, and what its batches take. */
export interface MeasuredModel extends PooledModel {
  readonly service: ServiceTime;
}

export interface QueuedPoolOptions {
  readonly frontier: Frontier;
  /** In the order of the frontier's. */
  readonly models: readonly MeasuredModel[];
  readonly size: ImageSize | null;
  /** Threads; 0: in line. */
  readonly workers: number;
  readonly maxQueue: number;
  readonly runners: readonly Runner[];
  /** Starts a runner in the place of one that ended. */
  readonly start: () => Promise<Runner>;
  readonly onBatch: (batch: BatchDone) => void;
  readonly onWarning: (message: string) => void;
}

const refusals: { readonly [R in Overload | 'expired' | 'gone' | 'closing']: string } = {
  full: 'as many images wait as may',
  hopeless: 'no network would answer in time: allow more time, or come again later',
  expired: 'the time for an answer is over',
  gone: 'nobody waits for the answer any more',
  closing: 'the models are being closed',
};

/** An image that as many workers computed when they ended is not given to another one. */
const mostEnds = 2;

/** Runners behind one queue: the scheduler says who runs what. */
export class QueuedPool implements InferencePool {
  private readonly scheduler: Scheduler<Waiting>;
  private readonly crew: Crew;
  private readonly indices: ReadonlyMap<Model, number>;
  private readonly accepted: readonly Accepted[];
  private readonly acceptedByChoice: Accepted;
  private willDispatch = false;
  private closed: Promise<void> | null = null;
  private onDrained: () => void = () => undefined;

  constructor(private readonly options: QueuedPoolOptions) {
    const { frontier, models, size, runners, start, onWarning } = options;
    this.scheduler = new Scheduler(
      models.map((model) => candidateOf(model, frontier)),
      { workers: runners.length, maxQueue: options.maxQueue },
    );
    this.crew = new Crew(runners, {
      start,
      ms: (network, images) => models[network].ms(images),
      onWarning,
      onChange: () => this.dispatch(),
    });
    this.indices = new Map(models.map(({ model }, index) => [model, index]));
    this.accepted = models.map(({ model }) => acceptedBy(model, size));
    this.acceptedByChoice = acceptedByChoice(frontier, size);
  }

  get frontier(): Frontier {
    return this.options.frontier;
  }

  get models(): readonly PooledModel[] {
    return this.options.models;
  }

  get size(): ImageSize | null {
    return this.options.size;
  }

  get workers(): number {
    return this.options.workers;
  }

  get depth(): number {
    return this.scheduler.depth;
  }

  get running(): number {
    return this.crew.running;
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
      const request = new Request(inputs.length, options, arrived, resolve, reject);
      const items = inputs.map((input, index) => new Waiting(request, index, input, only));
      const overload = this.scheduler.offer(items, arrived, this.crew.startsIn(arrived));
      if (overload === null) this.dispatchSoon();
      else request.refuse(new NotAnswered(overload, refusals[overload], this.expected(only)));
    });
  }

  close(): Promise<void> {
    this.closed ??= new Promise<void>((resolve) => {
      this.onDrained = resolve;
      this.dispatchSoon();
    }).then(() => this.crew.close());
    return this.closed;
  }

  /** What comes in one turn of the event loop, from many connections, is decided together. */
  private dispatchSoon(): void {
    if (this.willDispatch) return;
    this.willDispatch = true;
    setImmediate(() => {
      this.willDispatch = false;
      this.dispatch();
    });
  }

  /** Gives work to all workers that are free, while there is any. */
  private dispatch(): void {
    const { down } = this.crew;
    if (down !== null) {
      this.failAll(down);
      return;
    }
    for (;;) {
      const now = performance.now();
      const worker = this.crew.free(now);
      const batch = worker === null ? null : this.take(now);
      if (worker === null || batch === null) break;
      void this.compute(worker, batch, now);
    }
    if (this.scheduler.depth === 0 && this.crew.running === 0) this.onDrained();
  }

  private take(now: number): Batch<Waiting> | null {
    const { batch, expired, gone } = this.scheduler.take(now, Math.max(1, this.crew.idle));
    refuse(expired, 'expired', refusals.expired);
    refuse(gone, 'gone', refusals.gone);
    return batch;
  }

  private failAll(why: string): void {
    for (let batch = this.take(performance.now()); batch !== null; batch = this.take(performance.now()))
      refuse(batch.items, 'failed', why);
    this.onDrained();
  }

  private async compute(worker: Worker, { network, items }: Batch<Waiting>, began: number): Promise<void> {
    const inputs = items.map(({ input }) => input);
    try {
      const { outputs, ms } = await this.crew.run(worker, network, inputs, began);
      const model = this.options.models[network];
      model.service.observe(items.length, ms);
      // Work for the worker first, answers after.
      this.next();
      this.answer(model.model, items, { outputs, ms, began });
    } catch (error) {
      if (error instanceof RunnerEnded) this.putBack(items, error.wasComputing);
      else refuse(items, 'failed', `the network failed: ${messageOf(error)}`);
      this.dispatchSoon();
    }
  }

  /** A worker that idles costs throughput; in line, none does, and what is read in the next turn joins the batch. */
  private next(): void {
    if (this.options.workers === 0) this.dispatchSoon();
    else this.dispatch();
  }

  private answer(
    model: Model,
    items: readonly Waiting[],
    { outputs, ms, began }: Outcome & { readonly began: number },
  ): void {
    const now = performance.now();
    const classes = model.classes.length;
    let late = 0;
    for (const [i, { request, index, deadline }] of items.entries()) {
      const isLate = now > deadline;
      if (isLate) late++;
      this.scheduler.observe(isLate);
      request.answer(index, {
        model,
        outputs: outputs.subarray(i * classes, (i + 1) * classes),
        batch: items.length,
        queuedMs: began - request.arrived,
        computedMs: ms,
      });
    }
    this.options.onBatch({ model, size: items.length, ms, late });
  }

  /** What a worker held when it ended is computed by another one, unless it is the reason. */
  private putBack(items: readonly Waiting[], wasComputing: boolean): void {
    if (wasComputing) for (const item of items) item.ended++;
    refuse(
      items.filter(({ ended }) => ended >= mostEnds),
      'failed',
      `${mostEnds} inference threads ended while they computed it`,
    );
    this.scheduler.putBack(items.filter(({ ended }) => ended < mostEnds));
  }

  private expected(only: number | null): number {
    return this.crew.startsIn(performance.now()) + this.scheduler.expectedMs(only);
  }

  private indexOf(model: Model | null): number | null {
    if (model === null) return null;
    const index = this.indices.get(model);
    if (index === undefined) throw invalidInput(`the model '${model.name}' is not among those that are open`);
    return index;
  }
}

function refuse(items: readonly Waiting[], reason: RefusalReason, message: string): void {
  for (const { request } of items) request.refuse(new NotAnswered(reason, message));
}

/** The scheduler chooses among those of the choice, also a single one of unknown accuracy. */
const candidateOf = ({ model, maxBatch, ms }: MeasuredModel, { choice }: Frontier): Candidate => ({
  accuracy: choice.includes(model) ? (model.accuracy ?? 0) : null,
  maxBatch,
  ms,
});
