import type { DeadlineQueue, SortedQueue } from './deadline-queue.js';
import type { Candidate, Item } from './types.js';

/** Items that are not queued yet. They share a deadline and the requested network. */
export interface Newcomers {
  readonly count: number;
  readonly deadline: number;
  readonly only: number | null;
}

export interface Plan {
  /** Network that answers the items that name none; null: there are no such items. */
  readonly chosen: number | null;
  /** Time at which the first worker is idle. */
  readonly now: number;
  /** Factors, at least 1, on the predicted time of earlier batches (`waiting`) and of an item's own batch (`own`). */
  readonly margin: { readonly waiting: number; readonly own: number };
  readonly newcomers?: Newcomers;
}

/** The items that one network answers. */
interface Share<T extends Item> {
  readonly queues: readonly SortedQueue<T>[];
  readonly newcomers: number;
  readonly batch: number;
  /** Expected milliseconds of a batch. */
  readonly ms: number;
}

/** Predicts when the queued items are answered, in the order of their deadlines and by all workers. */
export class Forecast<T extends Item> {
  constructor(
    private readonly queue: DeadlineQueue<T>,
    private readonly candidates: readonly Candidate[],
    private readonly workers: number,
  ) {}

  /** Milliseconds until all queued items and the newcomers are answered. */
  drainMs(plan: Plan): number {
    return this.drainMsUntil(Infinity, this.shares(plan), plan);
  }

  /**
   * Whether all queued items meet their deadlines. With newcomers, only they and the items of later deadlines are checked,
   * since earlier items are not affected.
   *
   * The check skips items: with `slack` left at a deadline, no item is late before some queue has used up its share of the
   * slack, so the first item after that is checked next.
   */
  isInTime(plan: Plan): boolean {
    const shares = this.shares(plan);
    const queues = shares.reduce((sum, share) => sum + share.queues.length, 0);
    let deadline = plan.newcomers?.deadline ?? this.queue.first?.deadline ?? Infinity;
    while (deadline < Infinity) {
      const slack = deadline - plan.now - this.drainMsUntil(deadline, shares, plan);
      if (slack < 0) return false;
      deadline = nextAfter(shares, deadline, (slack * this.workers) / (plan.margin.waiting * queues));
    }
    return true;
  }

  private shares({ chosen, newcomers }: Plan): Share<T>[] {
    const shares: Share<T>[] = [];
    const newcomersNetwork = newcomers === undefined ? null : (newcomers.only ?? chosen);
    for (const [network, { maxBatch, ms }] of this.candidates.entries()) {
      const queues = [this.queue.byNetwork[network], ...(network === chosen ? [this.queue.unnamed] : [])].filter(
        ({ size }) => size > 0,
      );
      const added = newcomers !== undefined && newcomersNetwork === network ? newcomers.count : 0;
      const count = queues.reduce((sum, { size }) => sum + size, added);
      if (count === 0) continue;
      const batch = Math.min(maxBatch, count);
      shares.push({ queues, newcomers: added, batch, ms: ms(batch) });
    }
    return shares;
  }

  /**
   * Milliseconds until all items of this deadline and earlier ones are answered: the workers share the batches, and one
   * worker alone computes the last batch.
   */
  private drainMsUntil(deadline: number, shares: readonly Share<T>[], { margin }: Plan): number {
    let [work, last] = [0, 0];
    for (const { queues, newcomers, batch, ms } of shares) {
      let count = newcomers;
      for (const queue of queues) count += queue.countUntil(deadline);
      work += Math.ceil(count / batch) * ms;
      if (count > 0) last = Math.max(last, ms);
    }
    return ((work - last) / this.workers) * margin.waiting + last * margin.own;
  }
}

/** The next deadline to check: of the first item after `workMs` of work on its queue, or of the head of a queue not begun. */
function nextAfter<T extends Item>(shares: readonly Share<T>[], deadline: number, workMs: number): number {
  let next = Infinity;
  for (const { queues, batch, ms } of shares) {
    for (const queue of queues) {
      const done = queue.countUntil(deadline);
      // At the head of a queue, the last batch may become another network's.
      const position = done === 0 ? 0 : done + batch * Math.floor(workMs / ms);
      if (position < queue.size) next = Math.min(next, queue.deadlineAt(position));
    }
  }
  return next;
}
