import type { Clock } from '../../../store/index.js';

interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * Simulated time: it stands still while anything is being done, and jumps to the next moment that somebody waits for
 * once everybody waits (a discrete-event simulation). Those who wait for the same moment are woken in the order in
 * which they began to wait, each after all that the one before it has set off.
 */
export class Simulation {
  /** In the order in which they will be woken. */
  private readonly waiting: Waiting[] = [];
  private moving = false;

  /** @param time where the clock stands at first, in ms since 1970. */
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

  /** Goes on to the next moment when nothing is left to be done at this one: after all promises have been followed. */
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
