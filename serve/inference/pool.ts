import type { OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import type { Frontier, Model } from '../models/model.js';
import type { PixelLayout } from './pixel-layout.js';
import type { Overload } from '../scheduler/types.js';

/**
 * One image. `pixels`: bytes in the pool's `layout`, with the renderings that the requested networks take.
 * `values`: normalised values in the network's layout, only for a named network or when all networks of the choice take the
 * same values.
 */
export type Input =
  | { readonly kind: 'pixels'; readonly data: Uint8Array }
  | { readonly kind: 'values'; readonly data: Float32Array };

export interface RunOptions {
  /** In ms of `performance.now()`. */
  readonly deadline: number;
  /** The requested model; null: the scheduler chooses. */
  readonly only: Model | null;
  /** Whether the client has gone; checked before a batch is formed. */
  readonly isGone: () => boolean;
  /** The client, by its address: clients share the queue. */
  readonly client: string;
}

export interface Answer {
  readonly model: Model;
  /** Outputs of the model, [outputs]; of maps [rows, columns, classes], of boxes with 4 more. */
  readonly outputs: Float32Array;
  readonly batch: number;
  /** Milliseconds from the image's arrival in the pool to the start of its batch. */
  readonly queuedMs: number;
  /** Milliseconds of the batch. */
  readonly computedMs: number;
}

/** Why there is no answer. `gone`: the client left; `failed`: the network failed; `closing`: the pool is being closed. */
export type RefusalReason = Overload | 'expired' | 'gone' | 'failed' | 'closing';

/** Thrown by `InferencePool.run`. */
export class NotAnswered extends Error {
  constructor(
    readonly reason: RefusalReason,
    message: string,
    /** Milliseconds until a retry may succeed; null: unknown. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/** One for all: it is never sent, and a stack trace for each image of a client that leaves would stall the server. */
export const clientGone = new NotAnswered('gone', 'the client has closed its connection');

/** Milliseconds of a batch on one worker, by batch size (powers of two from 1). */
export type BatchTimes = ReadonlyMap<number, number>;

export interface PooledModel {
  readonly model: Model;
  /** Measured when the pool was opened. */
  readonly times: BatchTimes;
  readonly maxBatch: number;
  /** Expected milliseconds of a batch: measured, and corrected by later batches. */
  readonly ms: (batch: number) => number;
  /** Kind of its outputs. */
  readonly outputs: OutputKind;
}

export interface BatchDone {
  readonly model: Model;
  readonly size: number;
  readonly ms: number;
  /** Number of images answered after their deadlines. */
  readonly late: number;
}

export interface PoolOptions {
  readonly frontier: Frontier;
  /**
   * Number of inference threads. `inline`: the calling thread, for networks that are faster than a message to a thread;
   * `auto`: chosen from the measured times.
   */
  readonly workers: number | 'inline' | 'auto';
  /** Upper bound on queued images. */
  readonly maxQueue: number;
  /** Largest batch to measure, a power of two. */
  readonly maxBatch: number;
  /** Batch times of earlier pools by a model's SHA-256; these models are not measured again. */
  readonly known?: ReadonlyMap<string, BatchTimes>;
  readonly onBatch?: (batch: BatchDone) => void;
  /** Called when a worker died and is replaced. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Called while models are measured. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The open and measured networks of a frontier behind one bounded queue. */
export interface InferencePool {
  readonly frontier: Frontier;
  /** In the order of the frontier's models. */
  readonly models: readonly PooledModel[];
  /** Layout of inputs of pixels. */
  readonly layout: PixelLayout;
  /** Number of threads; 0: inline. */
  readonly workers: number;
  readonly depth: number;
  readonly running: number;
  /** Expected milliseconds until an image that arrives now is answered by the given model, or by the fastest one. */
  readonly expectedMs: (only: PooledModel['model'] | null) => number;
  /**
   * Answers all inputs, in their order, or none.
   * @throws NotAnswered when the images are not answered in time or not at all.
   */
  readonly run: (inputs: readonly Input[], options: RunOptions) => Promise<readonly Answer[]>;
  /** Refuses new images, answers the accepted ones, and ends the threads. */
  readonly close: () => Promise<void>;
}

/**
 * Refuses what cannot be answered in time, before work is spent on it.
 * @param expected milliseconds until its answer
 * @throws NotAnswered `expired` or `hopeless`
 */
export function refuseHopeless(deadline: number, expected: number): void {
  const left = deadline - performance.now();
  if (left <= 0) throw new NotAnswered('expired', 'the deadline has passed');
  if (expected <= left) return;
  const times = `it would take ${Math.ceil(expected)} ms, and ${Math.ceil(left)} ms are left`;
  throw new NotAnswered('hopeless', `the answer would be late: ${times}`, expected - left);
}
