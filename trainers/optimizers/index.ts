import type { OptimizerConfig } from '../schema.js';
import { adamw } from './adamw.js';
import type { Optimizer, Parameter } from './optimizer.js';
import { sgd } from './sgd.js';

export { moveAverage } from './moving-average.js';
export type { Gradients, Optimizer, Parameter } from './optimizer.js';

type OptimizerType = OptimizerConfig['type'];
type ConfigOf = { readonly [K in OptimizerType]: Extract<OptimizerConfig, { type: K }> };
type OptimizerOf<K extends OptimizerType> = ConfigOf[K];

const makers: {
  readonly [K in OptimizerType]: (config: OptimizerOf<K>, parameters: readonly Parameter[]) => Optimizer;
} = { sgd, adamw };

/** The configured optimizer of these parameters, with its state at the start. */
export function createOptimizer<K extends OptimizerType>(
  config: OptimizerOf<K>,
  parameters: readonly Parameter[],
): Optimizer {
  return makers[config.type](config, parameters);
}
