import { asynchronousHalving } from './asha.js';
import { curveStopping } from './curve.js';
import { successiveHalving } from './halving.js';
import { geometricRungs, regularRungs } from './rungs.js';
import type { FidelityConfig } from './schema.js';
import type { Scheduler, SchedulerInput } from './scheduler.js';
import { wholeTrainings } from './whole.js';

type ConfigOf<K extends FidelityConfig['type']> = Extract<FidelityConfig, { type: K }>;

const schedulers: {
  readonly [K in FidelityConfig['type']]: (config: ConfigOf<K>, input: SchedulerInput) => Scheduler;
} = {
  none: (_config, { epochs }) => wholeTrainings(epochs),
  asha: ({ min_epochs, eta }, input) =>
    asynchronousHalving({ ...input, eta, rungs: geometricRungs(input.epochs, min_epochs, eta) }),
  halving: ({ min_epochs, eta, bracket }, input) => {
    const rungs = geometricRungs(input.epochs, min_epochs, eta);
    return successiveHalving({ ...input, eta, rungs, bracket: bracket ?? eta ** (rungs.length - 1) });
  },
  curve: ({ min_epochs, every, threshold, warmup }, input) =>
    curveStopping({ ...input, threshold, warmup, rungs: regularRungs(input.epochs, min_epochs, every) }),
};

/** The scheduler of a configuration. */
export function createScheduler<K extends FidelityConfig['type']>(
  config: ConfigOf<K>,
  input: SchedulerInput,
): Scheduler {
  // TypeScript cannot see that the table's entry under a configuration's type takes that configuration.
  const create = schedulers[config.type] as (config: ConfigOf<K>, input: SchedulerInput) => Scheduler;
  return create(config, input);
}
