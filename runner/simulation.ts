import type { Clock } from '../store/index.js';

interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A discrete-event simulation of time: the clock stands still while anything works, and jumps to the next awaited moment
 * once everything waits. Tasks that wait for the same moment wake in the order in which they began to wait, each after all
 * consequences of the one before.
 */
export class Simulation {
  /** In the order in which they will wake. */
  private readonly waiting: Waiting[] = [];
  private moving = false;

  /** @param time of the clock at the start, in ms since 1970. */
  constructor(private time: number) {}

  /** In whole ms since 1970. */
  readonly now: Clock = () => this.time;

  /** Resolves at a moment, or now when that is past. */
  until(moment: number): Promise<void> {
    const at = Math.max(this.time, Math.round(moment));
    return new Promise((wake) => {
      const later = this.waiting.findIndex((other) => other.at > at);
      this.waiting.splice(later < 0 ? this.waiting.length : later, 0, { at, wake });
      this.move();
    });
  }

  /** Jumps to the next moment once all promises at this one have settled. */
  private move(): void {
    if (this.moving || this.waiting.length === 0) return;
    this.moving = true;
    setImmediate(() => {
      this.moving = false;
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.time = next.at;
      next.wake();
      this.move();
    });
  }
}
