import type { Outcome } from './engine.js';
import type { Input } from './types.js';

/** Computes batches somewhere: on a thread of its own, or on the calling one. */
export interface Runner {
  /** Batches that it holds at once, the one that it computes included. */
  readonly slots: number;
  /**
   * Computes one network, by index, on at most as many images as it was opened for; they stay as they are until then.
   * @throws RunnerEnded when it ends before; Error when the network fails
   */
  readonly run: (network: number, inputs: readonly Input[]) => Promise<Outcome>;
  /** Calls back with the reason when it ends by itself, before what it holds is given up. */
  readonly onEnd: (listener: (reason: string) => void) => void;
  readonly close: () => Promise<void>;
}

/** A runner that went, and with it the batches that it held. */
export class RunnerEnded extends Error {
  constructor(
    message: string,
    /** Whether this batch was the one that it computed, and perhaps the reason; otherwise it waited for its turn. */
    readonly wasComputing: boolean,
  ) {
    super(message);
  }
}
