import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { bound, envelope } from './bound.js';
import { simulate, type Outcome } from './simulation.js';
import {
  arrivals,
  bursts,
  neighbours,
  preempted,
  sixNetworks,
  smallNetworks,
  steady,
  type Arrival,
  type Network,
  type Noise,
  type Rate,
} from './workloads.js';

const loads = [0.5, 0.8, 1, 1.5, 2, 3, 4, 5.5, 7];
const ms = 20_000;
const mixed = [30, 100, 300];

/** Arrivals a millisecond that keep so many workers busy with the largest network that is of use to anyone. */
const capacity = (networks: readonly Network[]): number => 1 / Math.max(...envelope(networks).map((point) => point.ms));

const steadily = (load: number, budgets: readonly number[], perMs = capacity(sixNetworks)): Arrival[] =>
  arrivals(new Random(1, 'arrivals', load), { rate: steady(load * perMs), ms, budgets });

/** Four times as many in bursts of half a second as between them. */
const inBursts = (load: number, budgets: readonly number[]): Arrival[] => {
  const perMs = load * capacity(sixNetworks);
  const rate: Rate = bursts(new Random(1, 'rate'), { calm: 0.4 * perMs, burst: 1.6 * perMs }, 500);
  return arrivals(new Random(1, 'arrivals', load), { rate, ms, budgets });
};

const reached = (
  coming: readonly Arrival[],
  { networks = sixNetworks, workers = 1 }: { networks?: readonly Network[]; workers?: number } = {},
): number => simulate({ networks, workers, arrivals: coming }).weighted / bound(networks, coming, { workers });

const lateShare = ({ inTime, late }: Outcome): number => late / (late + inTime.reduce((a, b) => a + b, 0));

describe('accuracy-weighted goodput, as a share of what linear programming allows', () => {
  it.each([100, 300])('is 0.98 at least over all loads, with a budget of %i ms', (budget) => {
    for (const load of loads) expect(reached(steadily(load, [budget])), `load ${load}`).toBeGreaterThan(0.98);
  });

  it('is so with mixed budgets, in bursts, and with both', () => {
    for (const load of loads) {
      expect(reached(steadily(load, mixed)), `mixed, load ${load}`).toBeGreaterThan(0.98);
      expect(reached(inBursts(load, [100])), `bursts, load ${load}`).toBeGreaterThan(0.98);
      expect(reached(inBursts(load, mixed)), `both, load ${load}`).toBeGreaterThan(0.98);
    }
  });

  it('is so with several workers, and where batches pay', () => {
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
  it('answers, overloaded, nine tenths of what it can at most', () => {
    const networks = [sixNetworks[4]];
    const goodput = (load: number): number =>
      simulate({ networks, arrivals: steadily(load, [100], capacity(networks)) }).inTime[0];
    const peak = Math.max(...[0.8, 0.9, 1, 1.1, 1.5].map(goodput));
    for (const load of [2, 4]) expect(goodput(load), `load ${load}`).toBeGreaterThan(0.9 * peak);
  });

  it('is tried again after it was too slow for the budget', () => {
    const networks = [sixNetworks[4]];
    const noise: Noise = (begins) => (begins < 5000 ? 3 : 1);
    const coming = steadily(0.1, [8], capacity(networks));
    const { inTime, arrivals: counted } = simulate({ networks, arrivals: coming, noise, countFrom: 10_000 });
    expect(inTime[0]).toBeGreaterThan(0.85 * counted);
  });
});

describe('on a machine that is not quiet', () => {
  const disturbed = (coming: readonly Arrival[], noise: Noise): Outcome =>
    simulate({ networks: sixNetworks, arrivals: coming, noise });

  it('few answers are late, and little is lost, when one batch of twenty takes two to four times as long', () => {
    for (const load of loads)
      for (const coming of [steadily(load, [100]), inBursts(load, mixed)]) {
        const outcome = disturbed(coming, preempted(new Random(2, load)));
        expect(lateShare(outcome), `load ${load}`).toBeLessThan(0.03);
        expect(outcome.weighted / bound(sixNetworks, coming, { slowdown: 1.1 }), `load ${load}`).toBeGreaterThan(0.95);
      }
  });

  it('few answers are late when half of a core is lost for seconds', () => {
    for (const load of loads)
      for (const coming of [steadily(load, [100]), inBursts(load, mixed)])
        expect(lateShare(disturbed(coming, neighbours(new Random(2, load)))), `load ${load}`).toBeLessThan(0.03);
  });

  it('comes back to its best once it is quiet', () => {
    const noise: Noise = (begins) => (begins < 10_000 ? 3 : 1);
    const coming = steadily(2, [100]);
    const countFrom = 12_000;
    const { weighted } = simulate({ networks: sixNetworks, arrivals: coming, noise, countFrom });
    const counted = coming.filter(({ at }) => at >= countFrom);
    expect(weighted / bound(sixNetworks, counted)).toBeGreaterThan(0.98);
  });
});
