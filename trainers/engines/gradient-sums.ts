import * as tf from '@tensorflow/tfjs-core';
import type { Gradients, Parameter } from '../optimizers/index.js';

/**
 * Sums of gradients, in variables: programs add theirs, one update reads them and sets them to zero. Compiled, the sums are
 * states of the programs' store and never leave the runtime. After an update they are zero: no part of a checkpoint.
 */
export class GradientSums {
  private readonly sums: ReadonlyMap<string, tf.Variable>;

  constructor(parameters: readonly Parameter[]) {
    this.sums = new Map(
      parameters.map(({ name, variable }) => [name, tf.tidy(() => tf.variable(tf.zeros(variable.shape), false))]),
    );
  }

  /** For the update. */
  get gradients(): ReadonlyMap<string, tf.Variable> {
    return this.sums;
  }

  /** Adds the gradients of some of the parameters. */
  add(gradients: Gradients): void {
    tf.tidy(() => {
      for (const [name, gradient] of gradients) {
        const sum = this.sums.get(name);
        if (sum === undefined) throw new Error(`the sums were made without the parameter ${name}`);
        sum.assign(tf.add(sum, gradient));
      }
    });
  }

  /** Sets all sums to zero. */
  clear(): void {
    tf.tidy(() => {
      // Element by element, as the update is: so both are one operation on all that lies together.
      for (const sum of this.sums.values()) sum.assign(tf.sub(sum, sum));
    });
  }

  dispose(): void {
    for (const sum of this.sums.values()) sum.dispose();
  }
}
