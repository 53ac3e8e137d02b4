import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.js';
import type { Outcome } from './engine.js';
import type { Runner } from './runner.js';
import type { Input } from './types.js';

/** A batch that a worker holds. */
interface Held {
  readonly network: number;
  readonly images: number;
  /** On the clock of `performance.now()`. */
  readonly began: number;
}

/** A runner, and what it does. */
export interface Worker {
  readonly runner: Runner;
  readonly held: Set<Held>;
}

export interface CrewOptions {
  /** Starts one more runner. */
  readonly start: () => Promise<Runner>;
  /** Expected milliseconds of a batch. */
  readonly ms: (network: number, images: number) => number;
  readonly onWarning: (message: string) => void;
  /** A worker was replaced, or could not be. */
  readonly onChange: () => void;
}

/** While a batch takes longer, none is handed ahead: it would hide 0.05 ms, and what is given away is decided. */
const shortMs = 0.5;

/** Milliseconds before another attempt to replace a worker: doubled each time, up to the largest. */
const pause = { first: 100, largest: 10_000 };

/** The workers of a pool: who is free, and when. Those that end are replaced. */
export class Crew {
  private readonly workers: Worker[] = [];
  private images = 0;
  private isClosed = false;
  private readonly closing = new AbortController();
  private readonly replacing = new Set<Promise<void>>();
  /** Why there is no worker, when the last attempt to start one failed. */
  private failure: string | null = null;

  constructor(
    runners: readonly Runner[],
    private readonly options: CrewOptions,
  ) {
    for (const runner of runners) this.add(runner);
  }

  /** Images that are being computed. */
  get running(): number {
    return this.images;
  }

  /** Workers that hold nothing. */
  get idle(): number {
    return this.workers.reduce((count, { held }) => count + (held.size === 0 ? 1 : 0), 0);
  }

  /** Why nothing can be computed; null: it can, or will be soon. */
  get down(): string | null {
    return this.workers.length === 0 ? this.failure : null;
  }

  /** The worker that should do something next, the least loaded one; null: all have enough. */
  free(now: number): Worker | null {
    let best: Worker | null = null;
    for (const worker of this.workers) {
      const { runner, held } = worker;
      if (held.size === 0) return worker;
      if (held.size < runner.slots && this.remainingMs(worker, now) <= shortMs) best ??= worker;
    }
    return best;
  }

  /** Milliseconds until the first worker is free. */
  startsIn(now: number): number {
    let least = Infinity;
    for (const worker of this.workers) least = Math.min(least, this.remainingMs(worker, now));
    return least === Infinity ? 0 : least;
  }

  /** Computes a batch on a worker that is free. */
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
      total += Math.max(0, this.options.ms(network, images) - (first ? now - began : 0));
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
      this.options.onWarning(`${reason}: another one is started`);
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
        this.options.onWarning(`no inference thread can be started, again in ${ms / 1000} s: ${this.failure}`);
        this.options.onChange();
        await sleep(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }
}
