import type { Plan } from '../../../serve/scheduler/forecast.js';
import { Margin, type SchedulerOptions, type Dispatch } from '../../../serve/scheduler/scheduler.js';
import type { Candidate, Item, Overload } from '../../../serve/scheduler/types.js';

/** Whether each item of this deadline or a later one is in time, by a check of every item. */
export function isEachInTime(
  items: readonly Item[],
  candidates: readonly Candidate[],
  workers: number,
  { chosen, now, margin }: Omit<Plan, 'newcomers'>,
  from = -Infinity,
): boolean {
  return items.every(({ deadline }) => {
    if (deadline < from) return true;
    let [work, last] = [0, 0];
    for (const [network, { maxBatch, ms }] of candidates.entries()) {
      const mine = items.filter(({ only }) => (only ?? chosen) === network);
      if (mine.length === 0) continue;
      const batch = Math.min(maxBatch, mine.length);
      const before = mine.filter((item) => item.deadline <= deadline).length;
      work += Math.ceil(before / batch) * ms(batch);
      if (before > 0) last = Math.max(last, ms(batch));
    }
    return deadline - now - (((work - last) / workers) * margin.waiting + last * margin.own) >= 0;
  });
}

/** The scheduler's rule without optimisations: one sorted list, every item checked. */
export class ReferenceScheduler<T extends Item> {
  readonly waiting: T[] = [];
  private readonly margin = new Margin();
  private takenSinceSweep = 0;

  constructor(
    private readonly candidates: readonly Candidate[],
    private readonly options: SchedulerOptions,
  ) {}

  offer(items: readonly T[], now: number, startsIn: number): Overload | null {
    if (items.length === 0) return null;
    if (this.waiting.length + items.length > this.options.maxQueue) return 'full';
    this.margin.passTo(now);
    const all = sorted([...this.waiting, ...items]);
    const margin = { waiting: this.margin.value, own: 1 };
    const plan = { chosen: this.fastest(), now: now + startsIn, margin };
    if (!isEachInTime(all, this.candidates, this.options.workers, plan, items[0].deadline)) return 'hopeless';
    this.replace(all);
    return null;
  }

  putBack(items: readonly T[]): void {
    this.replace(sorted([...items, ...this.waiting]));
  }

  take(now: number, idleWorkers: number): Dispatch<T> {
    this.margin.passTo(now);
    const { expired, gone } = this.clear(now);
    if (this.waiting.length === 0) return { batch: null, expired, gone };
    const margin = { waiting: this.margin.value, own: this.margin.value };
    const inTime = (chosen: number): boolean =>
      isEachInTime(this.waiting, this.candidates, this.options.workers, { chosen, now, margin });
    const chosen = this.choice().find(inTime) ?? this.fastest();
    const [first] = this.waiting;
    const network = first.only ?? chosen;
    const eligible = this.waiting.filter(({ only }) => only === network || (only === null && network === chosen));
    const { maxBatch, ms } = this.candidates[network];
    let count = Math.min(maxBatch, Math.ceil(eligible.length / idleWorkers));
    while (count > 1 && ms(count) > (first.deadline - now) / margin.own) count--;
    const items = eligible.filter((item) => !item.isGone()).slice(0, count);
    // Gone items are found up to the end of the batch, or of the list if the batch is not full.
    const reach = items.length < count ? eligible.length : eligible.indexOf(items[count - 1]);
    gone.push(...eligible.slice(0, reach).filter((item) => item.isGone()));
    this.remove([...items, ...gone]);
    this.takenSinceSweep += items.length;
    return { batch: { network, items }, expired, gone };
  }

  /** Gone items: all after a quarter was dispatched, otherwise only the heads of queues, like expired items. */
  private clear(now: number): { expired: T[]; gone: T[] } {
    const gone: T[] = [];
    if (4 * this.takenSinceSweep >= this.waiting.length) {
      gone.push(...this.waiting.filter((item) => item.isGone()));
      this.takenSinceSweep = 0;
    }
    this.remove(gone);
    const expired: T[] = [];
    const free = Math.min(...this.choice().map((network) => this.candidates[network].ms(1)));
    for (const queue of [null, ...this.candidates.keys()]) {
      const leastMs = queue === null ? free : this.candidates[queue].ms(1);
      for (const item of this.waiting.filter(({ only }) => only === queue))
        if (item.isGone()) gone.push(item);
        else if (now + leastMs > item.deadline) expired.push(item);
        else break;
    }
    this.remove([...gone, ...expired]);
    return { expired, gone };
  }

  private choice(): number[] {
    const accuracy = (network: number): number => this.candidates[network].accuracy ?? -1;
    return [...this.candidates.keys()].filter((i) => accuracy(i) >= 0).sort((a, b) => accuracy(b) - accuracy(a));
  }

  private fastest(): number {
    const perImage = (network: number): number => {
      const { ms, maxBatch } = this.candidates[network];
      return ms(maxBatch) / maxBatch;
    };
    return this.choice().reduce((a, b) => (perImage(b) < perImage(a) ? b : a));
  }

  private remove(items: readonly T[]): void {
    this.replace(this.waiting.filter((item) => !items.includes(item)));
  }

  private replace(items: readonly T[]): void {
    this.waiting.splice(0, this.waiting.length, ...items);
  }
}

/** A stable sort by deadline. */
const sorted = <T extends Item>(items: readonly T[]): T[] => [...items].sort((a, b) => a.deadline - b.deadline);
