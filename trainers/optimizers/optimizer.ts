import * as tf from '@tensorflow/tfjs-core';

/** A trainable tensor under a name that is the same in every process. */
export interface Parameter {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** Gradients by the names of their parameters. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/**
 * An update rule over fixed parameters. Its state lives in tf.Variables, so that the same code runs eagerly and traces
 * into one program.
 */
export interface Optimizer {
  /** The state by stable name, e.g. `momentum/stem/kernel`. */
  readonly slots: ReadonlyMap<string, tf.Variable>;
  /**
   * Updates every parameter once.
   * @param learningRate a scalar tensor: an input of the step, not a constant
   */
  apply(gradients: Gradients, learningRate: tf.Tensor): void;
}

/** Kernels decay; biases and batch norm's scale and offset, which are vectors, do not. */
export const decays = ({ variable }: Parameter): boolean => variable.rank > 1;

/** A variable of zeros for each parameter; they are registered in `slots` under `kind/parameter`. */
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

/** The gradient of a parameter. */
export const gradientOf = (gradients: Gradients, { name }: Parameter): tf.Tensor => gradients.get(name) ?? fail(name);

function fail(name: string): never {
  throw new Error(`the optimizer was made without the parameter ${name}, or the loss does not depend on it`);
}
