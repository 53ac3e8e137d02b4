import { NotAnswered } from '../inference/types.js';
import type { DecodeOptions } from './types.js';

type Wish = Pick<DecodeOptions, 'deadline' | 'isGone'>;

interface Waiting extends Wish {
  readonly begin: () => void;
  readonly refuse: (reason: NotAnswered) => void;
}

/** Lets a bounded number of tasks run at a time; of those that wait, the one with the earliest deadline is next. */
export class Turns {
  private running = 0;
  /** By falling deadline: the next one is the last. */
  private readonly waiting: Waiting[] = [];

  /** @param now the clock of the deadlines, in ms */
  constructor(
    private readonly parallel: number,
    private readonly now: () => number,
  ) {}

  /** Tasks that wait for their turn. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Whether nothing runs. */
  get isIdle(): boolean {
    return this.running === 0;
  }

  /** @throws NotAnswered `gone` or `expired` instead of beginning a task that is of no use any more; and what the task throws. */
  async run<T>(task: () => Promise<T>, wish: Wish): Promise<T> {
    if (this.running < this.parallel) {
      const refusal = this.refusalOf(wish);
      if (refusal !== null) throw refusal;
      this.running++;
    } else {
      // Whoever ends hands its turn over: `running` stays.
      await new Promise<void>((begin, refuse) => this.wait({ ...wish, begin, refuse }));
    }
    try {
      return await task();
    } finally {
      this.handOver();
    }
  }

  private wait(waiting: Waiting): void {
    // Behind those of the same deadline that came before.
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
    if (isGone()) return new NotAnswered('gone', 'nobody waits for the image any more');
    if (this.now() < deadline) return null;
    return new NotAnswered('expired', 'the time for an answer was over before the image could be decoded');
  }
}
