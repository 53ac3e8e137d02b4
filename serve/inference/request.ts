import type { Item } from '../scheduler/types.js';
import type { Answer, Input, NotAnswered, RunOptions } from './types.js';

/** Images that came together, and are answered together or not at all. */
export class Request {
  private readonly answers: Answer[];
  private missing: number;
  private isSettled = false;

  constructor(
    images: number,
    readonly options: RunOptions,
    /** On the clock of `performance.now()`. */
    readonly arrived: number,
    private readonly resolve: (answers: readonly Answer[]) => void,
    private readonly reject: (error: NotAnswered) => void,
  ) {
    this.answers = new Array<Answer>(images);
    this.missing = images;
  }

  /** Whether nobody waits for what is still missing. */
  get isGone(): boolean {
    return this.isSettled || this.options.isGone();
  }

  answer(index: number, answer: Answer): void {
    this.answers[index] = answer;
    if (--this.missing === 0 && !this.isSettled) {
      this.isSettled = true;
      this.resolve(this.answers);
    }
  }

  refuse(error: NotAnswered): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.reject(error);
  }
}

/** One image of a request, in the queue. */
export class Waiting implements Item {
  readonly deadline: number;
  /** Workers that ended while they computed it. */
  ended = 0;

  constructor(
    readonly request: Request,
    readonly index: number,
    readonly input: Input,
    readonly only: number | null,
  ) {
    this.deadline = request.options.deadline;
  }

  isGone(): boolean {
    return this.request.isGone;
  }
}
