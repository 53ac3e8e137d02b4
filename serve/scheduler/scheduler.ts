import { NasError } from '../../base/errors.js';
import { DeadlineQueue } from './deadline-queue.js';
import { Forecast, type Newcomers, type Plan } from './forecast.js';
import { Margin } from './margin.js';
import type { Batch, Candidate, Item, Overload } from './types.js';

export interface SchedulerOptions {
  readonly workers: number;
  /** Items that may wait. */
  readonly maxQueue: number;
}

/** What came of a moment in which a worker is free. */
export interface Taken<T extends Item> {
  /** What it does next; null: nothing waits. */
  readonly batch: Batch<T> | null;
  /** Those who can no longer be answered in time. */
  readonly expired: readonly T[];
  /** Those for whom nobody waits any more. */
  readonly gone: readonly T[];
}

/** All that waits is looked through for those who are gone when this share of it was taken. */
const sweepShare = 0.25;

/**
 * Decides late: not when an item comes but when a worker is free, which network runs next, and on how many of those that
 * wait. Times are milliseconds on any one clock.
 */
export class Scheduler<T extends Item> {
  private readonly queue: DeadlineQueue<T>;
  private readonly forecast: Forecast<T>;
  private readonly margin = new Margin();
  /** Candidates to choose from, by falling accuracy. */
  private readonly choice: readonly number[];
  private takenSinceSweep = 0;

  constructor(
    private readonly candidates: readonly Candidate[],
    private readonly options: SchedulerOptions,
  ) {
    this.queue = new DeadlineQueue(candidates.length);
    this.forecast = new Forecast(this.queue, candidates, options.workers);
    this.choice = byAccuracy(candidates);
  }

  /** Items that wait. */
  get depth(): number {
    return this.queue.depth;
  }

  /** Milliseconds until an item that comes now is answered: by one network, or by the fastest of the choice. */
  expectedMs(only: number | null): number {
    return this.forecast.drainMs({
      free: this.fastest(),
      now: 0,
      margin: this.admission(),
      newcomers: { count: 1, deadline: Infinity, only },
    });
  }

  /**
   * Takes all items of a request, or none of them: they share a deadline and who may answer. What is taken before can
   * still be answered in time.
   * @param startsIn milliseconds until the first worker is free
   * @returns null: they wait; otherwise why they do not
   */
  offer(items: readonly T[], now: number, startsIn: number): Overload | null {
    if (items.length === 0) return null;
    if (this.depth + items.length > this.options.maxQueue) return 'full';
    const [{ deadline, only }] = items;
    const free = this.fastest();
    if (only === null && free === null)
      throw new NasError(
        'invalid-input',
        'there is no network to choose from, as none is of known accuracy: ask for one by its name',
      );
    const newcomers: Newcomers = { count: items.length, deadline, only };
    this.margin.passTo(now);
    const plan = { free, now: now + startsIn, margin: this.admission(), newcomers };
    if (!this.forecast.isInTime(plan)) return 'hopeless';
    this.queue.add(items);
    return null;
  }

  /** Takes items anew that a worker could not answer: never refused, and before others of the same deadline. */
  putBack(items: readonly T[]): void {
    this.queue.putBack(items);
  }

  /**
   * What a free worker does next.
   * @param idleWorkers this one included: they share what waits
   */
  take(now: number, idleWorkers: number): Taken<T> {
    this.margin.passTo(now);
    const { expired, gone } = this.clear(now);
    const first = this.queue.first;
    if (first === undefined) return { batch: null, expired, gone };
    const chosen = this.choose(now);
    const network = first.only ?? chosen;
    if (network === null) throw new Error('items wait for a choice, and there is no network to choose');
    // Who leaves the choice to us gets what was chosen, not what another one asked for.
    const withFree = network === chosen;
    const count = this.countOf(network, withFree, now, idleWorkers);
    const items: T[] = [];
    while (items.length < count) {
      const item = this.queue.shiftFor(network, withFree);
      if (item === undefined) break;
      if (item.isGone()) gone.push(item);
      else items.push(item);
    }
    this.takenSinceSweep += items.length;
    return { batch: { network, items }, expired, gone };
  }

  /** An answer was given, late or in time. */
  observe(late: boolean): void {
    this.margin.observe(late);
  }

  /** Takes away what need not or cannot be answered, so that the first of what remains is to be answered now. */
  private clear(now: number): { expired: T[]; gone: T[] } {
    const expired: T[] = [];
    const gone: T[] = [];
    if (this.takenSinceSweep >= sweepShare * this.depth) {
      gone.push(...this.queue.removeGone());
      this.takenSinceSweep = 0;
    }
    const free = Math.min(...this.choice.map((network) => this.candidates[network].ms(1)));
    const isExpired = ({ deadline, only }: T): boolean =>
      now + (only === null ? free : this.candidates[only].ms(1)) > deadline;
    this.queue.removeFirst(
      (item) => item.isGone() || isExpired(item),
      (item) => (item.isGone() ? gone : expired).push(item),
    );
    return { expired, gone };
  }

  /** The most accurate network with which everything that waits is still in time, otherwise the fastest. */
  private choose(now: number): number | null {
    const margin = { waiting: this.margin.value, own: this.margin.value };
    return this.choice.find((free) => this.forecast.isInTime({ free, now, margin })) ?? this.fastest();
  }

  /** As many as pay, as the idle workers' shares are, and as the first one's deadline allows. */
  private countOf(network: number, withFree: boolean, now: number, idleWorkers: number): number {
    const { maxBatch, ms } = this.candidates[network];
    const share = Math.ceil(this.queue.countFor(network, withFree) / Math.max(1, idleWorkers));
    const leftMs = ((this.queue.first?.deadline ?? Infinity) - now) / this.margin.value;
    let count = Math.min(maxBatch, share);
    while (count > 1 && ms(count) > leftMs) count--;
    return count;
  }

  /**
   * What is held against the deadlines of newcomers: their own batch without a reserve, since refusing who need not wait
   * for others helps nobody; and nothing would be learned any more.
   */
  private admission(): Plan['margin'] {
    return { waiting: this.margin.value, own: 1 };
  }

  /** Of the choice, the one with the highest throughput; null: there is no choice. */
  private fastest(): number | null {
    const perImage = (network: number): number => {
      const { ms, maxBatch } = this.candidates[network];
      return ms(maxBatch) / maxBatch;
    };
    return this.choice.length === 0 ? null : this.choice.reduce((a, b) => (perImage(b) < perImage(a) ? b : a));
  }
}

function byAccuracy(candidates: readonly Candidate[]): number[] {
  const known = candidates.flatMap(({ accuracy }, network) => (accuracy === null ? [] : [{ accuracy, network }]));
  return known.sort((a, b) => b.accuracy - a.accuracy).map(({ network }) => network);
}
