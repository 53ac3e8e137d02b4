import * as tf from '@tensorflow/tfjs-core';
import type { Gradients, Parameter } from '../optimizers/index.js';

/**
 * Sums of gradients, in variables: programs add theirs, one update reads them. Compiled, the sums are states of the
 * programs' store and never leave the runtime. Between two updates they mean nothing: no part of a checkpoint.
 */
export class GradientSums {
  private readonly sums: ReadonlyMap<string, tf.Variable>;

  constructor(parameters: readonly Parameter[]) {
    this.sums = new Map(
      parameters.map(({ name, variable }) => [name, tf.tidy(() => tf.variable(tf.zeros(variable.shape), false))]),
    );
  }

  /** For the update. */
  get gradients(): Gradients {
    return this.sums;
  }

  /**
   * sums = keep sums + gradients; of parameters that have no gradient, the sums stay.
   * @param keep a scalar: 0 for the first gradients of an update, which must be those of all parameters, then 1
   */
  add(gradients: Gradients, keep: tf.Tensor): void {
    tf.tidy(() => {
      for (const [name, gradient] of gradients) {
        const sum = this.sums.get(name);
        if (sum === undefined) throw new Error(`the sums were made without the parameter ${name}`);
        sum.assign(tf.add(tf.mul(sum, keep), gradient));
      }
    });
  }

  dispose(): void {
    for (const sum of this.sums.values()) sum.dispose();
  }
}
