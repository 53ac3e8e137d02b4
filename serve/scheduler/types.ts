/** A network that can answer, with what a batch of it takes on one worker. */
export interface Candidate {
  /** Share of images classified correctly, in [0, 1]; null: it is not among those to choose from, and answers only who asks for it. */
  readonly accuracy: number | null;
  /** The largest batch that pays, at least 1. */
  readonly maxBatch: number;
  /** Expected milliseconds of a batch of this many images, at least 1. */
  readonly ms: (batch: number) => number;
}

/** One image that waits to be classified. */
export interface Item {
  /** When an answer is no longer of use, in ms on the clock of the scheduler's `now`. */
  readonly deadline: number;
  /** The only candidate that may answer, by index; null: the scheduler chooses. */
  readonly only: number | null;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: () => boolean;
}

/** What a free worker does next: one network on some of what waits. */
export interface Batch<T extends Item> {
  readonly network: number;
  readonly items: readonly T[];
}

/** Why something is not taken: the queue is full, or not even the fastest network would be in time. */
export type Overload = 'full' | 'hopeless';
