import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';

/** A weight of a model under a name that does not depend on what else was built in the process. */
export interface NamedWeight {
  /** Layer and role: `block1_expand/kernel`, `block1_expand_bn/moving_mean`. */
  readonly name: string;
  readonly variable: tf.Variable;
  /** Whether training may change it; batch norm's moving statistics are not trainable. */
  readonly trainable: boolean;
}

/**
 * The weights of a model in the order of its layers, with stable unique names for checkpoints. (TF.js numbers the names
 * of variables through the whole process: a second model has `block1_expand/kernel_1`.)
 */
export function namedWeights(model: tfl.LayersModel): NamedWeight[] {
  return model.layers.flatMap((layer) =>
    layer.weights.map((weight) => {
      const variable = weight.read();
      if (!(variable instanceof tf.Variable)) throw new Error(`weight ${weight.originalName} is not a variable`);
      const role = weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1);
      return { name: `${layer.name}/${role}`, variable, trainable: weight.trainable };
    }),
  );
}
