import { NasError } from '../../base/errors.js';
import { DeadlineQueue } from './deadline-queue.js';
import { Forecast, type Newcomers, type Plan } from './forecast.js';
import type { Batch, Candidate, Item, Overload } from './types.js';

/** A late answer raises the margin by `late`, any other lowers it by `inTime`: in equilibrium, about 1 % are late. */
const steps = { late: 0.1, inTime: 0.001 };
const bounds = { least: 1.1, most: 3 };
/** The margin's distance from its minimum halves in this time: the load of other programs comes and goes. */
const halfLifeMs = 30_000;

/** Adaptive factor on predicted times before they are compared with deadlines. */
export class Margin {
  private factor = 1.25;
  private time: number | null = null;

  get value(): number {
    return this.factor;
  }

  passTo(now: number): void {
    const passed = this.time === null ? 0 : now - this.time;
    this.time = now;
    this.factor = bounds.least + (this.factor - bounds.least) * 2 ** (-passed / halfLifeMs);
  }

  /** Reports an answer, late or in time. */
  observe(late: boolean): void {
    const factor = this.factor + (late ? steps.late : -steps.inTime);
    this.factor = Math.min(bounds.most, Math.max(bounds.least, factor));
  }
}

export interface SchedulerOptions {
  readonly workers: number;
  /** Upper bound on queued items. */
  readonly maxQueue: number;
}

/** The decision for an idle worker. */
export interface Dispatch<T extends Item> {
  /** Its next batch; null: no item waits. */
  readonly batch: Batch<T> | null;
  /** Removed items that can no longer meet their deadlines. */
  readonly expired: readonly T[];
  /** Removed items whose clients have gone. */
  readonly gone: readonly T[];
}

/** The whole queue is swept for items of gone clients whenever this share of it has been dispatched. */
const sweepShare = 0.25;

/**
 * Decides which network answers which request. It is pure: it has no clock and no threads. Its caller reports
 * events, with times in milliseconds of one clock.
 *
 * - A request arrives (`offer`): it is refused at once if it, or a queued item of a later deadline, would be late even with the
 *   fastest network. Otherwise it waits, earliest deadline first.
 * - A worker is idle (`take`): items that can no longer meet their deadline expire. The most accurate network that meets all
 *   deadlines takes the first item and as many others as lower the cost of an image. There is no timer: a batch is formed of
 *   the items that arrived meanwhile. If no network meets all deadlines, the fastest one computes.
 * - A request for a named network gets that network. A request without a name never gets a network that another one named.
 * - A batch ends (`ServiceTime.observe`): later predictions follow the usual times of batches.
 * - An answer is sent (`observe`): late answers raise the safety margin on waiting times, the others lower it.
 *
 * Reasons and alternatives: docs/adr/0019-the-scheduler-decides-late.md.
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

  get depth(): number {
    return this.queue.depth;
  }

  /** Milliseconds until an item that arrives now is answered by the given network, or by the fastest one. */
  expectedMs(only: number | null): number {
    return this.forecast.drainMs({
      chosen: this.fastest(),
      now: 0,
      margin: this.offerMargin(),
      newcomers: { count: 1, deadline: Infinity, only },
    });
  }

  /**
   * Queues all items of a request or none of them. The items share a deadline and the requested network. Items are refused
   * if they would make a queued item late.
   * @param startsIn milliseconds until the first worker is idle
   * @returns null when the items are queued, otherwise the reason of the refusal
   */
  offer(items: readonly T[], now: number, startsIn: number): Overload | null {
    if (items.length === 0) return null;
    if (this.depth + items.length > this.options.maxQueue) return 'full';
    const [{ deadline, only }] = items;
    const chosen = this.fastest();
    if (only === null && chosen === null)
      throw new NasError(
        'invalid-input',
        'there is no network to choose from, because the accuracy of none is known: request one by its name',
      );
    const newcomers: Newcomers = { count: items.length, deadline, only };
    this.margin.passTo(now);
    const plan = { chosen, now: now + startsIn, margin: this.offerMargin(), newcomers };
    if (!this.forecast.isInTime(plan)) return 'hopeless';
    this.queue.add(items);
    return null;
  }

  /** Queues items again that a worker lost: never refused, and before all others of the same deadline. */
  putBack(items: readonly T[]): void {
    this.queue.putBack(items);
  }

  /**
   * Chooses the next batch of an idle worker.
   * @param idleWorkers number of idle workers, this one included, which share the queue
   */
  take(now: number, idleWorkers: number): Dispatch<T> {
    this.margin.passTo(now);
    const { expired, gone } = this.expire(now);
    const first = this.queue.first;
    if (first === undefined) return { batch: null, expired, gone };
    const chosen = this.choose(now);
    const network = first.only ?? chosen;
    if (network === null) throw new Error('a queued item names no network, and there is none to choose');
    // A network that only another item named does not answer items without a name.
    const withUnnamed = network === chosen;
    const count = this.countOf(network, withUnnamed, now, idleWorkers);
    const items: T[] = [];
    while (items.length < count) {
      const item = this.queue.shiftFor(network, withUnnamed);
      if (item === undefined) break;
      if (item.isGone()) gone.push(item);
      else items.push(item);
    }
    this.takenSinceSweep += items.length;
    return { batch: { network, items }, expired, gone };
  }

  /** Reports an answer, late or in time. */
  observe(late: boolean): void {
    this.margin.observe(late);
  }

  /** Earliest deadline of the queued items; null: the queue is empty. */
  get firstDeadline(): number | null {
    return this.queue.first?.deadline ?? null;
  }

  /** Removes expired items and items of gone clients from the heads of the queues, without an idle worker. */
  expire(now: number): { expired: T[]; gone: T[] } {
    const expired: T[] = [];
    const gone: T[] = [];
    if (this.takenSinceSweep >= sweepShare * this.depth) {
      gone.push(...this.queue.removeGone());
      this.takenSinceSweep = 0;
    }
    const leastMs = Math.min(...this.choice.map((network) => this.candidates[network].ms(1)));
    const isExpired = ({ deadline, only }: T): boolean =>
      now + (only === null ? leastMs : this.candidates[only].ms(1)) > deadline;
    this.queue.removeFirst(
      (item) => item.isGone() || isExpired(item),
      (item) => (item.isGone() ? gone : expired).push(item),
    );
    return { expired, gone };
  }

  /** The most accurate network that meets all deadlines, otherwise the fastest. */
  private choose(now: number): number | null {
    const margin = { waiting: this.margin.value, own: this.margin.value };
    return this.choice.find((chosen) => this.forecast.isInTime({ chosen, now, margin })) ?? this.fastest();
  }

  /** Batch size: limited by `maxBatch`, by an idle worker's share, and by the first deadline. */
  private countOf(network: number, withUnnamed: boolean, now: number, idleWorkers: number): number {
    const { maxBatch, ms } = this.candidates[network];
    const share = Math.ceil(this.queue.countFor(network, withUnnamed) / Math.max(1, idleWorkers));
    const leftMs = ((this.queue.first?.deadline ?? Infinity) - now) / this.margin.value;
    let count = Math.min(maxBatch, share);
    while (count > 1 && ms(count) > leftMs) count--;
    return count;
  }

  /**
   * Margin of an offer. A newcomer's own batch has no reserve: refusing a request on an idle server helps no client, and
   * without answers the margin would never adapt.
   */
  private offerMargin(): Plan['margin'] {
    return { waiting: this.margin.value, own: 1 };
  }

  /** The network of the highest throughput among the choice; null: the choice is empty. */
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
