import type * as tf from '@tensorflow/tfjs-core';
import { variablesOf, type Weights, type WeightSpec } from '../../spaces/models/index.js';
import { createOptimizer, moveAverage, type Gradients, type Parameter } from '../optimizers/index.js';
import type { OptimizerConfig } from '../schema.js';

/** The scalars of an update. */
export interface UpdateInputs {
  readonly learningRate: tf.Tensor;
  /** Of the moving average of the weights, when there is one. */
  readonly averageDecay?: tf.Tensor;
}

export interface TrainedSpec {
  readonly specs: readonly WeightSpec[];
  /** What the weights start from. */
  readonly start: Weights;
  /** What is trained besides the weights. */
  readonly others: readonly Parameter[];
  readonly optimizer: OptimizerConfig;
  /** Largest decay of the moving average of the weights; 0: none. */
  readonly ema: number;
}

/** What a training changes, and the update that changes it. */
export interface Trained {
  /** By the names of the weights. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  /** What is evaluated and exported: the moving average of the weights when there is one. */
  readonly evaluated: ReadonlyMap<string, tf.Variable>;
  /** Everything that a step changes, by stable name (`model/stem/kernel`). */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** What the optimizer updates. */
  readonly parameters: readonly Parameter[];
  /** Updates parameters, optimizer and moving average by gradients of all parameters. */
  update(grads: Gradients, inputs: UpdateInputs): void;
  dispose(): void;
}

/** Variables under names that say whose they are. */
export const prefixed = (
  prefix: string,
  variables: Iterable<readonly [string, tf.Variable]>,
): [string, tf.Variable][] => [...variables].map(([name, variable]) => [`${prefix}/${name}`, variable]);

/** Makes the variables of a training on the current TF.js backend: weights, their average, optimizer. */
export function createTrained({ specs, start, others, optimizer: config, ema }: TrainedSpec): Trained {
  const weights = variablesOf(specs, start);
  const averages = ema > 0 ? variablesOf(specs, start) : null;
  const models = prefixed('model', weights);
  const parameters: Parameter[] = [
    ...models.filter(([, { trainable }]) => trainable).map(([name, variable]) => ({ name, variable })),
    ...others,
  ];
  const optimizer = createOptimizer(config, parameters);
  const states = new Map<string, tf.Variable>([
    ...models,
    ...prefixed('average', averages ?? []),
    ...others.map(({ name, variable }) => [name, variable] as const),
    ...prefixed('optimizer', optimizer.slots),
  ]);
  const values = [...weights.values()];
  const averaged = [...(averages?.values() ?? [])].map((average, i) => [average, values[i]] as const);
  return {
    weights,
    evaluated: averages ?? weights,
    states,
    parameters,
    update(grads, { learningRate, averageDecay }) {
      optimizer.apply(grads, learningRate);
      if (averageDecay !== undefined) moveAverage(averaged, averageDecay);
    },
    dispose() {
      for (const variable of states.values()) variable.dispose();
    },
  };
}
