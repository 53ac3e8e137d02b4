import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig } from '../schema/train.js';

/** A trainable tensor with a name that is the same in every process. */
export interface Parameter {
  readonly name: string;
  readonly variable: tf.Variable;
  /** Share of the learning rate; default 1. */
  readonly rate?: number | undefined;
}

/** The learning rate of one parameter. */
export const rateOf = ({ rate = 1 }: Parameter, learningRate: tf.Tensor): tf.Tensor =>
  rate === 1 ? learningRate : tf.mul(learningRate, rate);

/** Gradients by parameter name. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** An update rule over fixed parameters. Its state is tf.Variables: the same code runs eagerly and traces into a program. */
export interface Optimizer {
  /** The state by stable name, for example `momentum/stem/kernel`. */
  readonly slots: ReadonlyMap<string, tf.Variable>;
  /**
   * Updates every parameter once.
   * @param learningRate a scalar tensor: an input of the step, not a constant
   */
  apply(gradients: Gradients, learningRate: tf.Tensor): void;
}

/** Kernels decay; biases and batch norm's scale and offset, which are vectors, do not. */
export const decays = ({ variable }: Parameter): boolean => variable.rank > 1;

/** Creates a zero variable for each parameter and registers it in `slots` as `kind/parameter`. */
export function zeroSlots(
  kind: string,
  parameters: readonly Parameter[],
  slots: Map<string, tf.Variable>,
): (parameter: Parameter) => tf.Variable {
  const byName = new Map(
    parameters.map(({ name, variable }) => {
      const slot = tf.tidy(() => tf.variable(tf.zeros(variable.shape), false));
      slots.set(`${kind}/${name}`, slot);
      return [name, slot];
    }),
  );
  return ({ name }) => byName.get(name) ?? fail(name);
}

export const gradientOf = (gradients: Gradients, { name }: Parameter): tf.Tensor => gradients.get(name) ?? fail(name);

function fail(name: string): never {
  throw new Error(`the optimizer was made without the parameter ${name}, or the loss does not depend on it`);
}

export type ConfigOf<Type extends OptimizerConfig['type']> = Extract<OptimizerConfig, { readonly type: Type }>;
