import { median } from '../../latency-models/statistics.js';
import { Random } from '../../base/random.js';
import { Scheduler } from '../../serve/scheduler/scheduler.js';
import { ServiceTime } from '../../serve/scheduler/service-time.js';
import type { Item } from '../../serve/scheduler/types.js';
import { candidatesOf } from '../../test/serve/scheduler/simulation.js';
import { smallNetworks } from '../../test/serve/scheduler/workloads.js';

/** Microseconds, medians: a busy machine interrupts what takes so little seldom. */
export interface Cost {
  /** Of an image. */
  readonly offer: number;
  /** Of a batch. */
  readonly take: number;
  readonly batch: number;
}

/** Who waits: all with one budget, or with three, one of ten asking for a network. */
export type Mixture = 'alike' | 'mixed';

const budgets: Readonly<Record<Mixture, readonly number[]>> = { alike: [400], mixed: [200, 400, 800] };

/**
 * What the scheduler's decisions cost while so many images wait: batches are taken and as many images offered anew, at the
 * times at which a worker would do so. Three networks of which batches pay.
 */
export function schedulerCost(depth: number, mixture: Mixture, takes = 20_000): Cost {
  const random = new Random(1, mixture, depth);
  let now = 0;
  const times = smallNetworks.map((network) => new ServiceTime(network.times, () => now));
  const scheduler = new Scheduler<Item>(candidatesOf(smallNetworks, times), { workers: 1, maxQueue: Infinity });
  const create = (): Item => ({
    deadline: now + random.pick(budgets[mixture]),
    only: mixture === 'mixed' && random.uniform() < 0.1 ? random.int(smallNetworks.length) : null,
    isGone: () => false,
  });
  const fill = (): number => {
    const items = Array.from({ length: depth - scheduler.depth }, create);
    const began = performance.now();
    for (const item of items) scheduler.offer([item], now, 0);
    return (performance.now() - began) / items.length;
  };
  fill();
  const taken: { readonly offer: number; readonly take: number; readonly batch: number }[] = [];
  for (let i = 0; i < takes; i++) {
    const began = performance.now();
    const { batch } = scheduler.take(now, 1);
    const take = performance.now() - began;
    if (batch === null) throw new Error(`nothing waits at a depth of ${depth}`);
    now += times[batch.network].ms(batch.items.length);
    taken.push({ offer: fill(), take, batch: batch.items.length });
  }
  // The first half is warm-up.
  const warm = taken.slice(takes / 2);
  return {
    offer: 1000 * median(warm.map(({ offer }) => offer)),
    take: 1000 * median(warm.map(({ take }) => take)),
    batch: median(warm.map(({ batch }) => batch)),
  };
}
