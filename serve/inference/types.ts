import type { Model } from '../models/model.js';
import type { Overload } from '../scheduler/types.js';

/**
 * One image. `pixels`: bytes [height, width, channels] of the pool's `size`, which a network that takes another size shrinks;
 * `values`: as the network takes them, normalised, in its layout: only where one network is asked for, or all of the choice
 * take the same.
 */
export type Input =
  { readonly kind: 'pixels'; readonly data: Uint8Array } | { readonly kind: 'values'; readonly data: Float32Array };

export interface RunOptions {
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Which model answers; null: the scheduler chooses. */
  readonly only: Model | null;
  /** Whether nobody waits for the answer any more; asked before a batch is put together. */
  readonly isGone: () => boolean;
}

/** What came out for one image. */
export interface Answer {
  readonly model: Model;
  /** What the file gives, [classes]: logits or probabilities. */
  readonly outputs: Float32Array;
  /** Images that were computed together. */
  readonly batch: number;
  /** From when the image came to the pool until its batch began. */
  readonly queuedMs: number;
  /** Of the batch. */
  readonly computedMs: number;
}

/** Why there is no answer. `gone`: nobody waits for it; `failed`: the network did not compute; `closing`: the pool ends. */
export type RefusalReason = Overload | 'expired' | 'gone' | 'failed' | 'closing';

/** What `InferencePool.run` throws. */
export class NotAnswered extends Error {
  constructor(
    readonly reason: RefusalReason,
    message: string,
    /** When it may be worth trying again, from now; null: no time can be told. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/** What batches of a model take on one worker, in ms, by batch size (powers of two from 1). */
export type BatchTimes = ReadonlyMap<number, number>;

/** A model in the pool. */
export interface PooledModel {
  readonly model: Model;
  /** As measured when the pool was opened. */
  readonly times: BatchTimes;
  readonly maxBatch: number;
  /** What a batch is now expected to take, in ms: measured, corrected by what batches took since. */
  readonly ms: (batch: number) => number;
  /** Whether its outputs are logits or already probabilities. */
  readonly outputs: 'logits' | 'probabilities';
}

/** A batch that was computed. */
export interface BatchDone {
  readonly model: Model;
  readonly size: number;
  readonly ms: number;
  /** Images whose answers came after their deadlines. */
  readonly late: number;
}
