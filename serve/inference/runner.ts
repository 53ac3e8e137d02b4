import { Engine, type Outcome } from './engine.js';
import type { Input } from './pool.js';
import type { Model } from '../models/model.js';

/** Computes batches, on its own thread or on the calling thread. */
export interface Runner {
  /** Batches that may be assigned at a time, including the running one. */
  readonly slots: number;
  /**
   * Computes a network, by index, on at most `maxBatch` images, which the caller does not change meanwhile.
   * @throws RunnerEnded when the runner ends first; Error when the network fails
   */
  readonly run: (network: number, inputs: readonly Input[]) => Promise<Outcome>;
  /** Registers a listener for an unexpected end, called with the reason before the assigned batches are rejected. */
  readonly onEnd: (listener: (reason: string) => void) => void;
  readonly close: () => Promise<void>;
}

export class RunnerEnded extends Error {
  constructor(
    message: string,
    /** Whether this batch was running, and may be the cause; false: it waited. */
    readonly wasComputing: boolean,
  ) {
    super(message);
  }
}

/** Runs on the calling thread, for networks that are faster than a message to a thread (0.05 to 0.1 ms). */
export async function inlineRunner(models: readonly Model[]): Promise<Runner> {
  const engine = await Engine.open(models);
  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | null = null;
  return {
    slots: 1,
    run(network, inputs) {
      const outcome = engine.run(network, inputs);
      last = outcome.catch(() => undefined);
      return outcome;
    },
    // It only ends with the process.
    onEnd: () => undefined,
    close: () => (closed ??= last.then(() => engine.close())),
  };
}
