import type { FidelityConfig } from '../schema.js';
import { freezeThaw } from './freeze-thaw.js';
import type { Scheduler, SchedulerInput } from './scheduler.js';

/**
 * Epochs of the rungs, ascending. The last rung is the whole training; each earlier one has 1 / eta of the next one's
 * epochs (rounded), as long as that is `min` or more.
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
    case 'freeze-thaw':
      return geometricRungs(epochs, config.min_epochs, config.eta);
  }
}

/** Trains every trial completely in one step. */
const wholeTrainings = (epochs: number): Scheduler => ({
  first: epochs,
  decide: ({ mayAsk }) => (mayAsk ? { kind: 'ask' } : undefined),
});

export function createScheduler(config: FidelityConfig, input: SchedulerInput): Scheduler {
  const rungs = rungsOf(config, input.epochs);
  switch (config.type) {
    case 'none':
      return wholeTrainings(input.epochs);
    case 'freeze-thaw':
      return freezeThaw({ ...input, rungs, eta: config.eta, minGain: config.min_gain });
  }
}
