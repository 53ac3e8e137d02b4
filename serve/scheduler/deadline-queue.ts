import type { Item } from './types.js';

/** The fields that decide the order of a queue. */
type Due = Pick<Item, 'deadline' | 'isGone'>;

/** A queued item and its sequence number, which orders items of the same deadline. */
interface Entry<T extends Due> {
  readonly item: T;
  readonly sequence: number;
}

/** Earliest deadline first, then lowest sequence number. */
const isBefore = <T extends Due>(a: Entry<T>, b: Entry<T>): boolean =>
  a.item.deadline < b.item.deadline || (a.item.deadline === b.item.deadline && a.sequence < b.sequence);

/** Consumed entries at the front that are kept before the array is compacted. */
const maxConsumed = 64;

/**
 * Items sorted by deadline, in an array that is consumed from its front. Search is O(log n), `shift` O(1); `add` moves the
 * items of later deadlines, which are few when budgets are alike.
 */
export class SortedQueue<T extends Due> {
  private entries: (Entry<T> | undefined)[] = [];
  private start = 0;

  get size(): number {
    return this.entries.length - this.start;
  }

  get first(): Entry<T> | undefined {
    return this.entries[this.start];
  }

  /** Deadline of the item at a position in [0, size). */
  deadlineAt(position: number): number {
    return this.entry(this.start + position).item.deadline;
  }

  /** Number of items with this deadline or an earlier one. */
  countUntil(deadline: number): number {
    return this.search((entry) => entry.item.deadline > deadline) - this.start;
  }

  add(added: Entry<T>): void {
    const last = this.entries.at(-1);
    if (this.size === 0 || (last !== undefined && !isBefore(added, last))) this.entries.push(added);
    else
      this.entries.splice(
        this.search((entry) => isBefore(added, entry)),
        0,
        added,
      );
  }

  shift(): Entry<T> | undefined {
    const first = this.first;
    if (first === undefined) return undefined;
    this.entries[this.start++] = undefined;
    if (this.start > maxConsumed && this.start > this.size) {
      this.entries = this.entries.slice(this.start);
      this.start = 0;
    }
    return first;
  }

  /** Takes away all that are gone, in O(n). */
  removeGone(): T[] {
    const gone: T[] = [];
    const entries: Entry<T>[] = [];
    for (let i = this.start; i < this.entries.length; i++) {
      const entry = this.entry(i);
      if (entry.item.isGone()) gone.push(entry.item);
      else entries.push(entry);
    }
    [this.entries, this.start] = [entries, 0];
    return gone;
  }

  /** The index of the first entry, from the start on, for which this holds; it must then hold for all that follow. */
  private search(holds: (entry: Entry<T>) => boolean): number {
    let [low, high] = [this.start, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.entry(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private entry(index: number): Entry<T> {
    // Only what lies before the start is undefined.
    return this.entries[index] as Entry<T>;
  }
}

/**
 * Waiting items by deadline, in one queue for items that any network may answer and one queue for each requested network. A
 * batch therefore consists of the first items of one or two queues.
 */
export class DeadlineQueue<T extends Item> {
  /** Items that name no network: the scheduler chooses. */
  readonly unnamed = new SortedQueue<T>();
  /** Items that name a network, by its index. */
  readonly byNetwork: readonly SortedQueue<T>[];
  private readonly queues: readonly SortedQueue<T>[];
  private next = 0;
  private previous = 0;

  constructor(networks: number) {
    this.byNetwork = Array.from({ length: networks }, () => new SortedQueue<T>());
    this.queues = [this.unnamed, ...this.byNetwork];
  }

  get depth(): number {
    let depth = 0;
    for (const queue of this.queues) depth += queue.size;
    return depth;
  }

  get first(): T | undefined {
    return earliest(this.queues)?.first?.item;
  }

  add(items: readonly T[]): void {
    for (const item of items) this.queueOf(item).add({ item, sequence: this.next++ });
  }

  /** Adds items again, in their order and before all others of the same deadline. */
  putBack(items: readonly T[]): void {
    this.previous -= items.length;
    for (const [i, item] of items.entries()) this.queueOf(item).add({ item, sequence: this.previous + i });
  }

  /** Number of items that a network may answer; with `withUnnamed`, items without the name of a network count, too. */
  countFor(network: number, withUnnamed: boolean): number {
    return this.byNetwork[network].size + (withUnnamed ? this.unnamed.size : 0);
  }

  /** Removes the first item that a network may answer. */
  shiftFor(network: number, withUnnamed: boolean): T | undefined {
    const queues = withUnnamed ? [this.unnamed, this.byNetwork[network]] : [this.byNetwork[network]];
    return earliest(queues)?.shift()?.item;
  }

  /** Removes queue heads while `shouldDrop` holds and passes each removed item to `onRemoved`. */
  removeFirst(shouldDrop: (item: T) => boolean, onRemoved: (item: T) => void): void {
    for (const queue of this.queues)
      for (let first = queue.first; first !== undefined && shouldDrop(first.item); first = queue.first) {
        queue.shift();
        onRemoved(first.item);
      }
  }

  /** Takes away all that are gone, in O(n). */
  removeGone(): T[] {
    return this.queues.flatMap((queue) => queue.removeGone());
  }

  private queueOf({ only }: T): SortedQueue<T> {
    return only === null ? this.unnamed : this.byNetwork[only];
  }
}

function earliest<T extends Item>(queues: readonly SortedQueue<T>[]): SortedQueue<T> | undefined {
  let best: SortedQueue<T> | undefined;
  let first: Entry<T> | undefined;
  for (const queue of queues) {
    const candidate = queue.first;
    if (candidate === undefined || (first !== undefined && isBefore(first, candidate))) continue;
    [best, first] = [queue, candidate];
  }
  return best;
}
