import { NotAnswered } from '../inference/pool.js';

interface Wish {
  /** On the clock of `now`, in ms. */
  readonly deadline: number;
  readonly isGone: () => boolean;
}

interface Waiting extends Wish {
  readonly begin: () => void;
  readonly refuse: (reason: NotAnswered) => void;
}

/** A semaphore whose waiting tasks run in the order of their deadlines. */
export class DeadlineSemaphore {
  private running = 0;
  /** By falling deadline: the last entry runs next. */
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
    return this.running === 0;
  }

  /** @throws NotAnswered `gone` or `expired` when the client left or the deadline passed before the task started. */
  async run<T>(task: () => Promise<T>, wish: Wish): Promise<T> {
    if (this.running < this.parallel) {
      const refusal = this.refusalOf(wish);
      if (refusal !== null) throw refusal;
      this.running++;
    } else {
      // The task that ends passes its permit on: `running` stays.
      await new Promise<void>((begin, refuse) => this.wait({ ...wish, begin, refuse }));
    }
    try {
      return await task();
    } finally {
      this.handOver();
    }
  }

  private wait(waiting: Waiting): void {
    // Behind earlier tasks of the same deadline.
    const at = this.waiting.findLastIndex(({ deadline }) => deadline > waiting.deadline);
    this.waiting.splice(at + 1, 0, waiting);
  }

  private handOver(): void {
    for (let next = this.waiting.pop(); next !== undefined; next = this.waiting.pop()) {
      const refusal = this.refusalOf(next);
      if (refusal === null) {
        next.begin();
        return;
      }
      next.refuse(refusal);
    }
    this.running--;
  }

  private refusalOf({ deadline, isGone }: Wish): NotAnswered | null {
    if (isGone()) return new NotAnswered('gone', 'the client has closed its connection');
    if (this.now() < deadline) return null;
    return new NotAnswered('expired', 'the deadline passed before the image could be decoded');
  }
}
