import type { OptimizerConfig } from '../schema/train.js';
import { adamw } from './adamw.js';
import { muon } from './muon.js';
import type { ConfigOf, Optimizer, Parameter } from './optimizer.js';
import { sgd } from './sgd.js';

export { averageDecay, moveAverage, type AverageConfig } from './average.js';
export type { Gradients, Optimizer, Parameter } from './optimizer.js';
export { learningRate, type Schedule, type ScheduleConfig } from './schedule.js';

type Type = OptimizerConfig['type'];

const optimizers: {
  readonly [T in Type]: (config: ConfigOf<T>, parameters: readonly Parameter[], partial: boolean) => Optimizer;
} = { adamw, muon, sgd };

/**
 * The configured optimizer of these parameters, in its initial state.
 * @param partial whether the gradients of a step may be zero for some parameters that it does not use
 */
export const createOptimizer = <T extends Type>(
  config: ConfigOf<T>,
  parameters: readonly Parameter[],
  partial = false,
): Optimizer => optimizers[config.type](config, parameters, partial);
