import type { Random } from '../../../base/random.js';

export interface Arrival {
  readonly at: number;
  readonly budgetMs: number;
  /** Index of the named network; null: any. */
  readonly only: number | null;
}

/** A measured network: milliseconds by batch size, in powers of two from 1. */
export interface Network {
  readonly accuracy: number;
  readonly times: ReadonlyMap<number, number>;
}

const network = (accuracy: number, ...perImage: readonly number[]): Network => ({
  accuracy,
  times: new Map(perImage.map((ms, i) => [2 ** i, ms * 2 ** i])),
});

/**
 * Six networks for 224-pixel images on one thread of ONNX Runtime, milliseconds an image with batches of 1, 2, 4, 8 as
 * measured on a shared machine (44 million multiply-adds: interpolated), with published accuracies of networks of about that
 * cost (MobileNetV3, MNASNet).
 */
export const sixNetworks: readonly Network[] = [
  network(0.58, 0.88, 0.96, 0.95, 0.99),
  network(0.654, 1.55, 1.55, 1.43, 1.45),
  network(0.675, 1.93, 1.89, 1.72, 1.71),
  network(0.733, 4.82, 4.35, 4.37, 4.62),
  network(0.752, 6.66, 6.01, 5.92, 6.16),
  network(0.765, 15.6, 14.7, 14.5, 14.9),
];

/** Three networks of a search's frontier for 28-pixel images, measured likewise; batches are useful. */
export const smallNetworks: readonly Network[] = [
  network(0.95, 0.0375, 0.023, 0.0182, 0.014, 0.0121, 0.0116),
  network(0.97, 0.0483, 0.04, 0.0298, 0.0269, 0.0256, 0.025),
  network(0.985, 0.0834, 0.0645, 0.0663, 0.0536, 0.0534, 0.0534),
];

/** Arrival rate per millisecond at a time, and the end of that rate. */
export type Rate = (at: number) => { readonly perMs: number; readonly until: number };

export const steady =
  (perMs: number): Rate =>
  () => ({ perMs, until: Infinity });

/** Alternates between base rate and bursts of exponential length (a Markov-modulated Poisson process). */
export function bursts(random: Random, perMs: { readonly calm: number; readonly burst: number }, meanMs: number): Rate {
  let [isBurst, until] = [true, 0];
  return (at) => {
    while (at >= until) {
      isBurst = !isBurst;
      until += exponential(random) * meanMs;
    }
    return { perMs: isBurst ? perMs.burst : perMs.calm, until };
  };
}

/** Poisson arrivals over so many milliseconds, each with one of the budgets. */
export function arrivals(
  random: Random,
  { rate, ms, budgets }: { readonly rate: Rate; readonly ms: number; readonly budgets: readonly number[] },
): Arrival[] {
  const all: Arrival[] = [];
  for (let at = 0; ;) {
    const { perMs, until } = rate(at);
    const next = at + exponential(random) / perMs;
    // After a change of rate, the wait restarts: it is memoryless.
    at = Math.min(next, until);
    if (at >= ms) return all;
    if (next < until) all.push({ at, budgetMs: random.pick(budgets), only: null });
  }
}

/** Slowdown of a batch that starts at a time. */
export type Noise = (begins: number) => number;

export const noNoise: Noise = () => 1;

/** Small variation, and some disturbed batches that take two to four times as long. */
export const preempted =
  (random: Random, share = 0.05): Noise =>
  () =>
    (random.uniform() < share ? 2 + 2 * random.uniform() : 1) * (0.95 + 0.1 * random.uniform());

/** Small variation, with repeated periods of some seconds at half speed. */
export function neighbours(random: Random, meanMs = 3000): Noise {
  const isBusy = bursts(random, { calm: 0, burst: 1 }, meanMs);
  return (begins) => (1 + isBusy(begins).perMs) * (0.95 + 0.1 * random.uniform());
}

const exponential = (random: Random): number => -Math.log(1 - random.uniform());
