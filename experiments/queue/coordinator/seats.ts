import type { Identity } from '../wire.js';

const nameOf = ({ id, slot }: Identity): string => `${id}/${slot}`;

/**
 * Numbers the slots of all workers from 0, as progress shows them: a slot keeps its number while nobody else needs it, and
 * the numbers of workers that are gone are given to others.
 */
export class Seats {
  /** The slot that had each number last. */
  private readonly names: string[] = [];
  private readonly taken = new Set<number>();

  /** The number for a slot that takes a job. */
  take(identity: Identity): number {
    const name = nameOf(identity);
    const own = this.names.indexOf(name);
    const free = own >= 0 && !this.taken.has(own) ? own : this.lowest();
    this.names[free] = name;
    this.taken.add(free);
    return free;
  }

  /** The job is over. */
  leave(seat: number): void {
    this.taken.delete(seat);
  }

  private lowest(): number {
    for (let seat = 0; ; seat++) if (!this.taken.has(seat)) return seat;
  }
}
