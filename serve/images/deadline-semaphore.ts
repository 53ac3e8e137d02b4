import { NotAnswered } from '../inference/pool.js';

export interface Wish {
  /** On the clock of `now`, in ms. */
  readonly deadline: number;
  readonly isGone: () => boolean;
  /** The client of the task: clients have equal shares of the permits. */
  readonly client: string;
  /** Expected time of the task. */
  readonly ms: number;
}

interface Waiting {
  readonly wish: Wish;
  readonly begin: () => void;
  readonly refuse: (reason: NotAnswered) => void;
}

/**
 * A semaphore. The next task is one of the client that runs the fewest tasks; of these, the task of the earliest deadline.
 */
export class DeadlineSemaphore {
  private readonly running = new Set<Wish>();
  /** By falling deadline. */
  private readonly waiting: Waiting[] = [];

  /** @param now clock of the deadlines, in ms */
  constructor(
    private readonly parallel: number,
    private readonly now: () => number,
  ) {}

  /** Number of waiting tasks. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Whether no task runs. */
  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /** Expected milliseconds until a task of this client that arrives now begins. */
  waitMs(client: string): number {
    if (this.running.size < this.parallel) return 0;
    const total = new Map<string, number>([[client, 0]]);
    for (const { wish } of this.waiting) total.set(wish.client, (total.get(wish.client) ?? 0) + wish.ms);
    const own = total.get(client) ?? 0;
    const shortest = Math.min(...[...this.running].map(({ ms }) => ms));
    // Meanwhile another client gets as much as this one.
    let ahead = 0;
    for (const ms of total.values()) ahead += Math.min(ms, own);
    return shortest + ahead / this.parallel;
  }

  /** @throws NotAnswered `gone` or `expired` when the client left or the deadline passed before the task started. */
  async run<T>(task: () => Promise<T>, wish: Wish): Promise<T> {
    if (this.running.size < this.parallel) {
      const refusal = this.refusalOf(wish);
      if (refusal !== null) throw refusal;
      this.running.add(wish);
    } else {
      await new Promise<void>((begin, refuse) => this.wait({ wish, begin, refuse }));
    }
    try {
      return await task();
    } finally {
      this.running.delete(wish);
      this.beginNext();
    }
  }

  private wait(waiting: Waiting): void {
    // Behind earlier tasks of the same deadline.
    const at = this.waiting.findLastIndex(({ wish }) => wish.deadline > waiting.wish.deadline);
    this.waiting.splice(at + 1, 0, waiting);
  }

  private beginNext(): void {
    for (let next = this.takeNext(); next !== undefined; next = this.takeNext()) {
      const refusal = this.refusalOf(next.wish);
      if (refusal === null) {
        this.running.add(next.wish);
        next.begin();
        return;
      }
      next.refuse(refusal);
    }
  }

  private takeNext(): Waiting | undefined {
    let [best, fewest] = [-1, Infinity];
    for (let at = this.waiting.length - 1; at >= 0 && fewest > 0; at--) {
      const { client } = this.waiting[at].wish;
      let runs = 0;
      for (const one of this.running) if (one.client === client) runs++;
      if (runs < fewest) [best, fewest] = [at, runs];
    }
    return best === -1 ? undefined : this.waiting.splice(best, 1)[0];
  }

  private refusalOf({ deadline, isGone }: Wish): NotAnswered | null {
    if (isGone()) return new NotAnswered('gone', 'the client has closed its connection');
    if (this.now() < deadline) return null;
    return new NotAnswered('expired', 'the deadline passed before the image could be decoded');
  }
}
