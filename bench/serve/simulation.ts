import { median } from '../../latency-models/statistics.js';
import { Random } from '../../base/random.js';
import { Scheduler } from '../../serve/scheduler/scheduler.js';
import { ServiceTime } from '../../serve/scheduler/service-time.js';
import type { Item } from '../../serve/scheduler/types.js';
import { candidatesOf, lateShare, type Outcome, simulate } from '../../test/serve/scheduler/simulation.js';
import {
  type Arrival,
  neighbours,
  type Noise,
  noNoise,
  preempted,
  sixNetworks,
  smallNetworks,
} from '../../test/serve/scheduler/workloads.js';
import Table from 'cli-table3';
import { bound } from '../../test/serve/scheduler/bound.js';
import { capacity, inBursts, loads, mixedBudgets, steadily } from '../../test/serve/scheduler/scenarios.js';
import type { Setting } from './setting.js';

/** Median costs in microseconds. Medians of such short times are insensitive to other load. */
interface Cost {
  /** For one image. */
  readonly offer: number;
  /** For one batch. */
  readonly take: number;
  /** Images per batch. */
  readonly batch: number;
}

/** Queued images: `alike` have one budget; `mixed` have three budgets, and a tenth of them request a specific network. */
type Mixture = 'alike' | 'mixed';

const budgets: Readonly<Record<Mixture, readonly number[]>> = { alike: [400], mixed: [200, 400, 800] };

/**
 * The cost of the scheduler's decisions at a queue depth: batches are taken and replaced by new images at the times a worker
 * would take them. Three networks that profit from batching.
 */
function schedulerCost(depth: number, mixture: Mixture, takes = 20_000): Cost {
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
  const samples: { readonly offer: number; readonly take: number; readonly batch: number }[] = [];
  for (let i = 0; i < takes; i++) {
    const began = performance.now();
    const { batch } = scheduler.take(now, 1);
    const take = performance.now() - began;
    if (batch === null) throw new Error(`the queue is empty at a depth of ${depth}`);
    now += times[batch.network].ms(batch.items.length);
    samples.push({ offer: fill(), take, batch: batch.items.length });
  }
  // The first half is warm-up.
  const warm = samples.slice(takes / 2);
  return {
    offer: 1000 * median(warm.map(({ offer }) => offer)),
    take: 1000 * median(warm.map(({ take }) => take)),
    batch: median(warm.map(({ batch }) => batch)),
  };
}

interface Scenario {
  readonly name: string;
  readonly arrivals: (load: number) => Arrival[];
  readonly noise?: (load: number) => Noise;
  /** Mean factor on batch times. The bound is approximate if the slowdown varies over seconds. */
  readonly slowdown?: number;
}

const often = (load: number): Noise => preempted(new Random(2, load));
const halved = (load: number): Noise => neighbours(new Random(2, load));

const scenarios: readonly Scenario[] = [
  { name: 'budget 100 ms', arrivals: (load) => steadily(load, [100]) },
  { name: 'budget 300 ms', arrivals: (load) => steadily(load, [300]) },
  { name: '30, 100, 300 ms', arrivals: (load) => steadily(load, mixedBudgets) },
  { name: 'bursts, 100 ms', arrivals: (load) => inBursts(load, [100]) },
  { name: 'bursts, 30, 100, 300 ms', arrivals: (load) => inBursts(load, mixedBudgets) },
  { name: '1 of 20 preempted, 100 ms', arrivals: (load) => steadily(load, [100]), noise: often, slowdown: 1.1 },
  { name: 'the same, bursts, mixed', arrivals: (load) => inBursts(load, mixedBudgets), noise: often, slowdown: 1.1 },
  { name: 'half a core for seconds', arrivals: (load) => steadily(load, [100]), noise: halved, slowdown: 1.5 },
  { name: 'the same, bursts, mixed', arrivals: (load) => inBursts(load, mixedBudgets), noise: halved, slowdown: 1.5 },
];

const style = { head: [], border: [] };

/** Accuracy-weighted goodput relative to the bound; in brackets the share of late responses, if any. */
function shareText(outcome: Outcome, most: number): string {
  const late = 100 * lateShare(outcome);
  return (outcome.weighted / most).toFixed(3) + (late === 0 ? '' : ` (${late.toFixed(1)} %)`);
}

function shares(): string {
  const table = new Table({ head: ['', ...loads.map((load) => `${load} x`)], style });
  for (const { name, arrivals, noise = () => noNoise, slowdown = 1 } of scenarios) {
    const cells = loads.map((load) => {
      const coming = arrivals(load);
      const outcome = simulate({ networks: sixNetworks, arrivals: coming, noise: noise(load) });
      return shareText(outcome, bound(sixNetworks, coming, { slowdown }));
    });
    table.push([name, ...cells]);
  }
  return table.toString();
}

function oneNetwork(): string {
  const networks = [sixNetworks[4]];
  const goodput = (load: number): number =>
    simulate({ networks, arrivals: steadily(load, [100], capacity(networks)) }).inTime[0];
  const peak = Math.max(...[0.8, 0.9, 1, 1.1, 1.5].map(goodput));
  return [2, 4].map((load) => `${(goodput(load) / peak).toFixed(2)} at ${load} x`).join(', ');
}

function costs(): string {
  const table = new Table({ head: ['queued', 'offer an image, us', 'take a batch, us'], style });
  for (const mixture of ['alike', 'mixed'] satisfies Mixture[])
    for (const depth of [10, 1000, 10_000]) {
      const { offer, take } = schedulerCost(depth, mixture);
      table.push([`${depth}, ${mixture}`, offer.toFixed(1), take.toFixed(1)]);
    }
  return table.toString();
}

/** Goodput of the scheduler in simulated time (deterministic) relative to an upper bound, and the cost of its decisions. */
export function simulation({ print }: Setting): Promise<void> {
  print(
    'simulation: accuracy-weighted goodput as a share of the bound of linear programming, late responses in brackets,\n' +
      'by load in multiples of the capacity of the largest network (bar: 0.98 without noise, 3 % late)\n' +
      shares(),
  );
  print(`simulation: one network, goodput as a share of its peak: ${oneNetwork()} (bar: 0.9)`);
  print(`simulation: cost of decisions, medians\n${costs()}`);
  return Promise.resolve();
}
