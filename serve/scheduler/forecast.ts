import type { DeadlineQueue } from './deadline-queue.js';
import type { Lane } from './lane.js';
import type { Candidate, Item } from './types.js';

/** Items that are not in the queue yet; they share a deadline and who may answer them. */
export interface Newcomers {
  readonly count: number;
  readonly deadline: number;
  readonly only: number | null;
}

/** What is assumed of the future. */
export interface Plan {
  /** Answers those for whom the scheduler chooses; null: there are none. */
  readonly free: number | null;
  /** When the first worker is free. */
  readonly now: number;
  /** At least 1: predicted times are multiplied by it, as far as one waits for others (`waiting`), and for one's own batch. */
  readonly margin: { readonly waiting: number; readonly own: number };
  readonly newcomers?: Newcomers;
}

/** All that one network is to answer. */
interface Share<T extends Item> {
  readonly lanes: readonly Lane<T>[];
  readonly newcomers: number;
  readonly batch: number;
  /** Of a batch. */
  readonly ms: number;
}

/** When what waits will be answered, if it is taken in the order of deadlines and all workers do nothing else. */
export class Forecast<T extends Item> {
  constructor(
    private readonly queue: DeadlineQueue<T>,
    private readonly candidates: readonly Candidate[],
    private readonly workers: number,
  ) {}

  /** Milliseconds until all that waits is answered, the newcomers included. */
  drainMs(plan: Plan): number {
    return this.drainMsUntil(Infinity, this.shares(plan), plan);
  }

  /**
   * Whether everything that waits is answered in time; with newcomers: they, and all whose deadlines are later (on the
   * others they have no influence).
   *
   * It does not look at each item: if `slack` is left at a deadline, then none can be late before some lane has used up
   * its part of it, and the next to be looked at is the first item after that.
   */
  isInTime(plan: Plan): boolean {
    const shares = this.shares(plan);
    const lanes = shares.reduce((sum, share) => sum + share.lanes.length, 0);
    let deadline = plan.newcomers?.deadline ?? this.queue.first?.deadline ?? Infinity;
    while (deadline < Infinity) {
      const slack = deadline - plan.now - this.drainMsUntil(deadline, shares, plan);
      if (slack < 0) return false;
      deadline = nextAfter(shares, deadline, (slack * this.workers) / (plan.margin.waiting * lanes));
    }
    return true;
  }

  private shares({ free, newcomers }: Plan): Share<T>[] {
    const shares: Share<T>[] = [];
    const lateComer = newcomers === undefined ? null : (newcomers.only ?? free);
    for (const [network, { maxBatch, ms }] of this.candidates.entries()) {
      const lanes = [this.queue.asked[network], ...(network === free ? [this.queue.free] : [])].filter(
        ({ size }) => size > 0,
      );
      const added = newcomers !== undefined && lateComer === network ? newcomers.count : 0;
      const count = lanes.reduce((sum, { size }) => sum + size, added);
      if (count === 0) continue;
      const batch = Math.min(maxBatch, count);
      shares.push({ lanes, newcomers: added, batch, ms: ms(batch) });
    }
    return shares;
  }

  /**
   * Milliseconds until all of this deadline and of earlier ones is answered: the batches are shared by the workers, and
   * the last one is done by one of them alone.
   */
  private drainMsUntil(deadline: number, shares: readonly Share<T>[], { margin }: Plan): number {
    let [work, last] = [0, 0];
    for (const { lanes, newcomers, batch, ms } of shares) {
      let count = newcomers;
      for (const lane of lanes) count += lane.countUntil(deadline);
      work += Math.ceil(count / batch) * ms;
      if (count > 0) last = Math.max(last, ms);
    }
    return ((work - last) / this.workers) * margin.waiting + last * margin.own;
  }
}

/** The deadline of the first item, in any lane, that comes after so many milliseconds' work on its lane, or begins it. */
function nextAfter<T extends Item>(shares: readonly Share<T>[], deadline: number, workMs: number): number {
  let next = Infinity;
  for (const { lanes, batch, ms } of shares) {
    for (const lane of lanes) {
      const done = lane.countUntil(deadline);
      // Where a lane begins, the last batch may become another network's.
      const position = done === 0 ? 0 : done + batch * Math.floor(workMs / ms);
      if (position < lane.size) next = Math.min(next, lane.deadlineAt(position));
    }
  }
  return next;
}
