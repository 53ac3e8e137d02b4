import { Random } from '../../../base/random.js';
import { envelope } from './bound.js';
import { arrivals, bursts, sixNetworks, steady, type Arrival, type Network } from './workloads.js';

/** From half of the largest network's capacity to seven times that. */
export const loads = [0.5, 0.8, 1, 1.5, 2, 3, 4, 5.5, 7] as const;

export const mixedBudgets = [30, 100, 300] as const;

const ms = 20_000;

/** Arrivals per millisecond that keep a worker busy with the largest useful network. */
export const capacity = (networks: readonly Network[]): number =>
  1 / Math.max(...envelope(networks).map((point) => point.ms));

/** Steady Poisson arrivals for twenty seconds, at a multiple of a rate. */
export const steadily = (load: number, budgets: readonly number[], perMs = capacity(sixNetworks)): Arrival[] =>
  arrivals(new Random(1, 'arrivals', load), { rate: steady(load * perMs), ms, budgets });

/** The same mean rate, with bursts of about half a second at four times the base rate. */
export function inBursts(load: number, budgets: readonly number[]): Arrival[] {
  const perMs = load * capacity(sixNetworks);
  const rate = bursts(new Random(1, 'rate'), { calm: 0.4 * perMs, burst: 1.6 * perMs }, 500);
  return arrivals(new Random(1, 'arrivals', load), { rate, ms, budgets });
}
