import type { InferencePool } from './inference/pool.js';

/** A pool, and how many requests are with it: it ends when it is followed by another one, and the last of them is answered. */
export class Generation {
  private users = 0;
  private idle: (() => void) | null = null;

  constructor(readonly pool: InferencePool) {}

  /** Runs a task, for which the pool stays open. */
  async use<T>(task: (pool: InferencePool) => Promise<T>): Promise<T> {
    this.users++;
    try {
      return await task(this.pool);
    } finally {
      if (--this.users === 0) this.idle?.();
    }
  }

  /** Closes the pool once nobody uses it; nothing may begin to. */
  async retire(): Promise<void> {
    if (this.users > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    await this.pool.close();
  }
}
