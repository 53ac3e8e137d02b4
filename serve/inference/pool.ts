import type { Frontier, ImageSize } from '../models/model.js';
import type { Answer, BatchDone, BatchTimes, Input, PooledModel, RunOptions } from './types.js';

export interface PoolOptions {
  readonly frontier: Frontier;
  /**
   * Inference threads; `inline`: the calling thread itself, for networks that take less than the way to another thread;
   * `auto`: as the measured times tell.
   */
  readonly workers: number | 'inline' | 'auto';
  /** Images that may wait. */
  readonly maxQueue: number;
  /** The largest batch that is tried, a power of two. */
  readonly maxBatch: number;
  /** What batches took earlier, by the SHA-256 of a model: these are not measured again. */
  readonly known?: ReadonlyMap<string, BatchTimes>;
  /** Told of each batch. */
  readonly onBatch?: (batch: BatchDone) => void;
  /** Told of what was lost, and repaired: a worker that died. */
  readonly onWarning?: (message: string) => void;
  /** Told while models are measured. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The networks of one frontier, open and measured, behind one bounded queue. */
export interface InferencePool {
  readonly frontier: Frontier;
  /** In the order of the frontier's models. */
  readonly models: readonly PooledModel[];
  /** Of the images that it takes as pixels: the largest of its models that know their normalisation; null: none does. */
  readonly size: ImageSize | null;
  /** Threads; 0: in line. */
  readonly workers: number;
  /** Images that wait. */
  readonly depth: number;
  /** Images that are being computed. */
  readonly running: number;
  /** Milliseconds until an image that comes now would be answered: by one model, or by the fastest of the choice. */
  readonly expectedMs: (only: PooledModel['model'] | null) => number;
  /**
   * Answers in the order of the inputs, all of them or none.
   * @throws NotAnswered when there is no answer in time, or none at all.
   */
  readonly run: (inputs: readonly Input[], options: RunOptions) => Promise<readonly Answer[]>;
  /** Takes nothing more, answers what it took, and ends its threads. */
  readonly close: () => Promise<void>;
}
