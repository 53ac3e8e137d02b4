import { isBefore, Lane, type Waiting } from './lane.js';
import type { Item } from './types.js';

/**
 * What waits, earliest deadline first, in lanes: one for whom any network may answer, and one for each network that items
 * ask for. So a batch is always made of what is first in one or two lanes.
 */
export class DeadlineQueue<T extends Item> {
  /** For whom the scheduler chooses. */
  readonly free = new Lane<T>();
  /** Those who ask for a network, by its index. */
  readonly asked: readonly Lane<T>[];
  private readonly lanes: readonly Lane<T>[];
  private next = 0;
  private previous = 0;

  constructor(networks: number) {
    this.asked = Array.from({ length: networks }, () => new Lane<T>());
    this.lanes = [this.free, ...this.asked];
  }

  get depth(): number {
    let depth = 0;
    for (const lane of this.lanes) depth += lane.size;
    return depth;
  }

  /** The first of all. */
  get first(): T | undefined {
    return firstLane(this.lanes)?.first?.item;
  }

  add(items: readonly T[]): void {
    for (const item of items) this.laneOf(item).add({ item, turn: this.next++ });
  }

  /** Adds items that waited before: in their order, before all others of the same deadline. */
  putBack(items: readonly T[]): void {
    this.previous -= items.length;
    for (const [i, item] of items.entries()) this.laneOf(item).add({ item, turn: this.previous + i });
  }

  /** How many one network may answer; `withFree`: those for whom it is chosen included. */
  countFor(network: number, withFree: boolean): number {
    return this.asked[network].size + (withFree ? this.free.size : 0);
  }

  /** Takes the first of those whom one network may answer. */
  shiftFor(network: number, withFree: boolean): T | undefined {
    const lanes = withFree ? [this.free, this.asked[network]] : [this.asked[network]];
    return firstLane(lanes)?.shift()?.item;
  }

  /** Takes away who comes first in his lane, as long as one of the tests holds; told is which. */
  removeFirst(isUseless: (item: T) => boolean, onRemoved: (item: T) => void): void {
    for (const lane of this.lanes)
      for (let first = lane.first; first !== undefined && isUseless(first.item); first = lane.first) {
        lane.shift();
        onRemoved(first.item);
      }
  }

  /** Takes away all that are gone, in O(n). */
  removeGone(): T[] {
    return this.lanes.flatMap((lane) => lane.removeGone());
  }

  private laneOf({ only }: T): Lane<T> {
    return only === null ? this.free : this.asked[only];
  }
}

function firstLane<T extends Item>(lanes: readonly Lane<T>[]): Lane<T> | undefined {
  let best: Lane<T> | undefined;
  let first: Waiting<T> | undefined;
  for (const lane of lanes) {
    const candidate = lane.first;
    if (candidate === undefined || (first !== undefined && isBefore(first, candidate))) continue;
    [best, first] = [lane, candidate];
  }
  return best;
}
