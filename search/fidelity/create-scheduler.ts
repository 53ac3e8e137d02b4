import { asynchronousHalving, successiveHalving } from './halving.js';
import { freezeThaw } from './freeze-thaw.js';
import type { FidelityConfig, Scheduler, SchedulerInput } from './scheduler.js';

/**
 * Epochs of the rungs, ascending: the last is the whole training, each other the next one's share 1 / eta (rounded), as
 * long as that is `min` or more. There is one rung when there is no room for others.
 */
export function geometricRungs(epochs: number, min: number, eta: number): number[] {
  const rungs = [epochs];
  for (let share = epochs / eta; Math.round(share) >= min && Math.round(share) >= 1; share /= eta) {
    const rung = Math.round(share);
    if (rung < rungs[0]) rungs.unshift(rung);
  }
  return rungs;
}

/** Epochs after which trials are judged, ascending; the last are those of the whole training. */
export function rungsOf(config: FidelityConfig, epochs: number): readonly number[] {
  switch (config.type) {
    case 'none':
      return [epochs];
    case 'asha':
    case 'halving':
    case 'freeze-thaw':
      return geometricRungs(epochs, config.min_epochs, config.eta);
  }
}

/** Every trial is trained to its end at once. */
const wholeTrainings = (epochs: number): Scheduler => ({
  first: epochs,
  decide: ({ mayAsk }) => (mayAsk ? { kind: 'ask' } : undefined),
});

/** The scheduler of a configuration. */
export function createScheduler(config: FidelityConfig, input: SchedulerInput): Scheduler {
  const rungs = rungsOf(config, input.epochs);
  switch (config.type) {
    case 'none':
      return wholeTrainings(input.epochs);
    case 'asha':
      return asynchronousHalving({ ...input, rungs, eta: config.eta });
    case 'freeze-thaw':
      return freezeThaw({ ...input, rungs, eta: config.eta, minGain: config.min_gain });
    case 'halving': {
      const { eta, bracket = eta ** (rungs.length - 1) } = config;
      return successiveHalving({ ...input, rungs, eta, bracket });
    }
  }
}
