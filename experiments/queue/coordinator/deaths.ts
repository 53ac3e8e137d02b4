/** How a job lost its worker: its process ended, or nothing was heard of the worker any more. */
export type Death = 'died' | 'vanished';

/**
 * Counts the attempts of a job. Workers that vanish may do so for reasons of their own, so that these count only until
 * the job gets on; processes that die of it count always.
 */
export class Deaths {
  private died = 0;
  private vanished = 0;

  /** @param attempts how often it may be begun in all, at least once */
  constructor(readonly attempts: number) {}

  /** The attempt that is at work or comes, from 1. */
  get attempt(): number {
    return this.died + this.vanished + 1;
  }

  /** Counts one; whether the job may be begun again. */
  add(death: Death): boolean {
    this[death]++;
    return this.attempt <= this.attempts;
  }

  /** The job has got on. */
  progressed(): void {
    this.vanished = 0;
  }
}
