import type { Item } from './types.js';

/** An item that waits, and its turn among those of the same deadline. */
export interface Waiting<T extends Item> {
  readonly item: T;
  readonly turn: number;
}

/** Earliest deadline first; of equal ones, who came first. */
export const isBefore = <T extends Item>(a: Waiting<T>, b: Waiting<T>): boolean =>
  a.item.deadline < b.item.deadline || (a.item.deadline === b.item.deadline && a.turn < b.turn);

/** Room in front that is given back when it is this large, and larger than what is in use. */
const sparedSlots = 64;

/**
 * Items in the order of their deadlines: an array that is consumed from its front. Searching takes O(log n), taking the
 * first O(1); adding moves what has a later deadline, which is little where budgets are alike and quick in any case.
 */
export class Lane<T extends Item> {
  private entries: (Waiting<T> | undefined)[] = [];
  private start = 0;

  get size(): number {
    return this.entries.length - this.start;
  }

  get first(): Waiting<T> | undefined {
    return this.entries[this.start];
  }

  /** The deadline of an item by its position, in [0, size). */
  deadlineAt(position: number): number {
    return this.entry(this.start + position).item.deadline;
  }

  /** How many have this deadline or an earlier one. */
  countUntil(deadline: number): number {
    return this.search((entry) => entry.item.deadline > deadline) - this.start;
  }

  add(added: Waiting<T>): void {
    const last = this.entries.at(-1);
    if (this.size === 0 || (last !== undefined && !isBefore(added, last))) this.entries.push(added);
    else
      this.entries.splice(
        this.search((entry) => isBefore(added, entry)),
        0,
        added,
      );
  }

  /** Takes the first away. */
  shift(): Waiting<T> | undefined {
    const first = this.first;
    if (first === undefined) return undefined;
    this.entries[this.start++] = undefined;
    if (this.start > sparedSlots && this.start > this.size) {
      this.entries = this.entries.slice(this.start);
      this.start = 0;
    }
    return first;
  }

  /** Takes away all that are gone, in O(n). */
  removeGone(): T[] {
    const gone: T[] = [];
    const entries: Waiting<T>[] = [];
    for (let i = this.start; i < this.entries.length; i++) {
      const entry = this.entry(i);
      if (entry.item.isGone()) gone.push(entry.item);
      else entries.push(entry);
    }
    [this.entries, this.start] = [entries, 0];
    return gone;
  }

  /** The index of the first entry, from the start on, for which this holds; it must then hold for all that follow. */
  private search(holds: (entry: Waiting<T>) => boolean): number {
    let [low, high] = [this.start, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.entry(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private entry(index: number): Waiting<T> {
    // Only what lies before the start is undefined.
    return this.entries[index] as Waiting<T>;
  }
}
