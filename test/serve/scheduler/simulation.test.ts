import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { bound } from './bound.js';
import { capacity, inBursts, loads, mixedBudgets, steadily } from './scenarios.js';
import { lateShare, simulate, type Outcome } from './simulation.js';
import {
  arrivals,
  neighbours,
  preempted,
  sixNetworks,
  smallNetworks,
  steady,
  type Arrival,
  type Network,
  type Noise,
} from './workloads.js';

/** For comparisons beside the main one. */
const someLoads = [0.5, 1, 2, 4, 7] as const;

const reached = (
  coming: readonly Arrival[],
  { networks = sixNetworks, workers = 1 }: { networks?: readonly Network[]; workers?: number } = {},
): number => simulate({ networks, workers, arrivals: coming }).weighted / bound(networks, coming, { workers });

describe('accuracy-weighted goodput, relative to the linear program', () => {
  it.each([100, 300])('is at least 0.98 over all loads, with a budget of %i ms', (budget) => {
    for (const load of loads) expect(reached(steadily(load, [budget])), `load ${load}`).toBeGreaterThan(0.98);
  });

  it('holds with mixed budgets, in bursts, and with both', () => {
    for (const load of someLoads) {
      expect(reached(steadily(load, mixedBudgets)), `mixed, load ${load}`).toBeGreaterThan(0.98);
      expect(reached(inBursts(load, [100])), `bursts, load ${load}`).toBeGreaterThan(0.98);
      expect(reached(inBursts(load, mixedBudgets)), `both, load ${load}`).toBeGreaterThan(0.98);
    }
  });

  it('holds with several workers and useful batches', () => {
    for (const load of [0.5, 1, 2, 4]) {
      const two = steadily(load, [100], 2 * capacity(sixNetworks));
      expect(reached(two, { workers: 2 }), `two workers, load ${load}`).toBeGreaterThan(0.98);
      const rate = steady(load * capacity(smallNetworks));
      const small = arrivals(new Random(1, 'small'), { rate, ms: 1000, budgets: [20] });
      expect(reached(small, { networks: smallNetworks }), `small, load ${load}`).toBeGreaterThan(0.98);
    }
  });
});

describe('one network', () => {
  it('reaches 0.9 of its capacity under overload', () => {
    const networks = [sixNetworks[4]];
    const goodput = (load: number): number =>
      simulate({ networks, arrivals: steadily(load, [100], capacity(networks)) }).inTime[0];
    const peak = Math.max(...[0.8, 0.9, 1, 1.1, 1.5].map(goodput));
    for (const load of [2, 4]) expect(goodput(load), `load ${load}`).toBeGreaterThan(0.9 * peak);
  });

  it('is tried again after it was too slow for the budget once', () => {
    const networks = [sixNetworks[4]];
    const noise: Noise = (begins) => (begins < 5000 ? 3 : 1);
    const coming = steadily(0.1, [8], capacity(networks));
    const { inTime, arrivals: counted } = simulate({ networks, arrivals: coming, noise, countFrom: 10_000 });
    expect(inTime[0]).toBeGreaterThan(0.85 * counted);
  });
});

describe('on a disturbed machine', () => {
  const disturbed = (coming: readonly Arrival[], noise: Noise): Outcome =>
    simulate({ networks: sixNetworks, arrivals: coming, noise });

  it('few answers are late when one batch of twenty takes two to four times as long', () => {
    for (const load of someLoads)
      for (const coming of [steadily(load, [100]), inBursts(load, mixedBudgets)]) {
        const outcome = disturbed(coming, preempted(new Random(2, load)));
        expect(lateShare(outcome), `load ${load}`).toBeLessThan(0.03);
        expect(outcome.weighted / bound(sixNetworks, coming, { slowdown: 1.1 }), `load ${load}`).toBeGreaterThan(0.95);
      }
  });

  it('few answers are late when half of a core is lost for seconds', () => {
    for (const load of someLoads)
      for (const coming of [steadily(load, [100]), inBursts(load, mixedBudgets)])
        expect(lateShare(disturbed(coming, neighbours(new Random(2, load)))), `load ${load}`).toBeLessThan(0.03);
  });

  it('recovers after the disturbance', () => {
    const noise: Noise = (begins) => (begins < 10_000 ? 3 : 1);
    const coming = steadily(2, [100]);
    const countFrom = 12_000;
    const { weighted } = simulate({ networks: sixNetworks, arrivals: coming, noise, countFrom });
    const counted = coming.filter(({ at }) => at >= countFrom);
    expect(weighted / bound(sixNetworks, counted)).toBeGreaterThan(0.98);
  });
});
