import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.js';
import type { Outcome } from './engine.js';
import type { Runner } from './runner.js';
import type { Input } from './pool.js';

interface Held {
  readonly network: number;
  readonly images: number;
  /** In ms of `performance.now()`. */
  readonly began: number;
}

/** A runner and its assigned batches. */
export interface Worker {
  readonly runner: Runner;
  readonly held: Set<Held>;
}

interface WorkerPoolOptions {
  readonly start: () => Promise<Runner>;
  /** Expected milliseconds of a batch of so many images. */
  readonly ms: (network: number, images: number) => number;
  readonly onWarning: (message: string) => void;
  /** Called when a worker was replaced or could not be replaced. */
  readonly onChange: () => void;
}

/**
 * A worker gets a second batch only if its remaining work is shorter than this, in ms. The second batch hides a message of
 * 0.05 ms, but it can no longer be changed by requests that arrive later.
 */
const shortMs = 0.5;

/** Exponential backoff between attempts to replace a worker, in ms. */
const pause = { first: 100, largest: 10_000 };

/** The workers of a pool and their load. Dead workers are replaced. */
export class WorkerPool {
  private readonly workers: Worker[] = [];
  private images = 0;
  private isClosed = false;
  private readonly closing = new AbortController();
  private readonly replacing = new Set<Promise<void>>();
  /** Error of the last attempt to start a worker. */
  private failure: string | null = null;

  constructor(
    runners: readonly Runner[],
    private readonly options: WorkerPoolOptions,
  ) {
    for (const runner of runners) this.add(runner);
  }

  get running(): number {
    return this.images;
  }

  get idle(): number {
    return this.workers.reduce((count, { held }) => count + (held.size === 0 ? 1 : 0), 0);
  }

  /** Why no worker can be started; null: a worker is alive or being started. */
  get down(): string | null {
    return this.workers.length === 0 ? this.failure : null;
  }

  /** The least loaded worker that may get a batch; null: all are busy. */
  idleWorker(now: number): Worker | null {
    let best: Worker | null = null;
    for (const worker of this.workers) {
      const { runner, held } = worker;
      if (held.size === 0) return worker;
      if (held.size < runner.slots && this.remainingMs(worker, now) <= shortMs) best ??= worker;
    }
    return best;
  }

  /** Milliseconds until the first worker is idle. */
  startsIn(now: number): number {
    let least = Infinity;
    for (const worker of this.workers) least = Math.min(least, this.remainingMs(worker, now));
    return least === Infinity ? 0 : least;
  }

  /** Computes a batch on an idle worker. */
  async run(worker: Worker, network: number, inputs: readonly Input[], began: number): Promise<Outcome> {
    const held = { network, images: inputs.length, began };
    worker.held.add(held);
    this.images += held.images;
    try {
      return await worker.runner.run(network, inputs);
    } finally {
      worker.held.delete(held);
      this.images -= held.images;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.closing.abort();
    await Promise.all(this.replacing);
    await Promise.all(this.workers.map(({ runner }) => runner.close()));
  }

  private remainingMs({ held }: Worker, now: number): number {
    let total = 0;
    let first = true;
    for (const { network, images, began } of held) {
      // An overdue batch is expected to take as long again as it is late.
      total += Math.abs(this.options.ms(network, images) - (first ? now - began : 0));
      first = false;
    }
    return total;
  }

  private add(runner: Runner): void {
    const worker: Worker = { runner, held: new Set() };
    this.workers.push(worker);
    runner.onEnd((reason) => {
      this.workers.splice(this.workers.indexOf(worker), 1);
      if (this.isClosed) return;
      this.options.onWarning(`${reason}: starting another one`);
      const replaced = this.replace().finally(() => this.replacing.delete(replaced));
      this.replacing.add(replaced);
    });
  }

  private async replace(): Promise<void> {
    for (let ms = pause.first; !this.isClosed; ms = Math.min(2 * ms, pause.largest)) {
      try {
        this.add(await this.options.start());
        this.failure = null;
        this.options.onChange();
        return;
      } catch (error) {
        this.failure = messageOf(error);
        this.options.onWarning(
          `an inference thread could not be started, next attempt in ${ms / 1000} s: ${this.failure}`,
        );
        this.options.onChange();
        await sleep(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }
}
