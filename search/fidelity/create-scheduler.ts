import { asynchronousHalving } from './asha.js';
import { freezeThaw } from './freeze-thaw.js';
import { successiveHalving } from './halving.js';
import { geometricRungs } from './rungs.js';
import type { FidelityConfig } from './schema.js';
import type { Scheduler, SchedulerInput } from './scheduler.js';
import { wholeTrainings } from './whole.js';

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
