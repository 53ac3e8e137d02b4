import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { exportModel, openOnnx, type OpenModel } from '../../compiler/index.js';
import { apply, toOnnx, weightsFrom, weightVariables, type Model } from '../../spaces/models/index.js';
import { placeOf, type EngineChoice } from './select.js';

/** A network's inference, on an engine that is active (`activateBackend`). */
export async function networkInference(model: Model, choice: EngineChoice, threads: number): Promise<OpenModel> {
  if (choice.type === 'compiled') return openOnnx(toOnnx(model), 'the network', { ...placeOf(choice), threads });
  const variables = weightVariables(model);
  const infer = (images: tf.Tensor): tf.Tensor =>
    apply(model.network, weightsFrom(variables), images, { training: false }).logits;
  return eagerInference(infer, () => tf.dispose([...variables.values()]));
}

/** As `networkInference`, of a layers model that lives on the engine's backend; it belongs to the result. */
export async function modelInference(
  model: tfl.LayersModel,
  choice: EngineChoice,
  threads: number,
): Promise<OpenModel> {
  if (choice.type === 'compiled') {
    const bytes = exportModel(model);
    model.dispose();
    return openOnnx(bytes, 'the model', { ...placeOf(choice), threads });
  }
  // Called with one tensor, a model with one output gives one tensor.
  const infer = (images: tf.Tensor): tf.Tensor => model.apply(images, { training: false }) as tf.Tensor;
  return eagerInference(infer, () => void model.dispose());
}

const eagerInference = (infer: (images: tf.Tensor) => tf.Tensor, dispose: () => void): OpenModel => ({
  async run(images, shape) {
    const output = tf.tidy(() => infer(tf.tensor(images, [...shape])));
    try {
      return Float32Array.from(await output.data());
    } finally {
      output.dispose();
    }
  },
  close: () => {
    dispose();
    return Promise.resolve();
  },
});
