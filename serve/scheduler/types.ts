/** A network and the times of its batches on one worker. */
export interface Candidate {
  /** Accuracy in [0, 1]; null: the scheduler never chooses this network, it answers only requests that name it. */
  readonly accuracy: number | null;
  /** Largest batch that is worth its latency, at least 1. */
  readonly maxBatch: number;
  /** Expected milliseconds of a batch of this many images (at least 1). */
  readonly ms: (batch: number) => number;
}

export interface Item {
  /** Deadline in ms on the clock of the scheduler's `now`. */
  readonly deadline: number;
  /** Index of the requested candidate; null: the scheduler chooses. */
  readonly only: number | null;
  readonly isGone: () => boolean;
}

export interface Batch<T extends Item> {
  readonly network: number;
  readonly items: readonly T[];
}

/** Why items are refused: the queue is full, or even the fastest network would miss the deadline. */
export type Overload = 'full' | 'hopeless';
