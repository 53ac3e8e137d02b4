import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { LayerCase } from '../cases/layers.js';
import { Sampler, toTensor } from './samples.js';

/** Gives all weights of a model reproducible values away from their initial ones; variances stay positive. */
export function randomiseWeights(model: tfl.LayersModel, key: string): void {
  const sample = new Sampler('weights', key);
  tf.tidy(() =>
    model.setWeights(
      model.weights.map(({ name, shape }) => {
        const known = shape.map((size) => size ?? 1);
        if (name.includes('variance')) return toTensor(sample.between(0.5, 2, known));
        if (name.includes('gamma')) return toTensor(sample.between(0.5, 1.5, known));
        return toTensor(sample.normal(known, 0.5));
      }),
    ),
  );
}

/** The variables behind a model's weights, trainable or all. */
export const variablesOf = (model: tfl.LayersModel, which: 'trainable' | 'all' = 'trainable'): tf.Variable[] =>
  (which === 'all' ? model.weights : model.trainableWeights).map((weight): tf.Variable => {
    const value = weight.read();
    if (!(value instanceof tf.Variable)) throw new Error(`weight ${weight.name} is not a tf.Variable`);
    return value as tf.Variable;
  });

/** The output of a model of one output. */
export const apply = (model: tfl.LayersModel, inputs: tf.Tensor | tf.Tensor[], training = false): tf.Tensor => {
  const output = model.apply(inputs, { training });
  if (!(output instanceof tf.Tensor)) throw new Error('a model with one output was expected');
  return output;
};

/** A model of one layer, its weights away from their initial values. */
export function modelOf({ name, create, inputs }: LayerCase): tfl.LayersModel {
  const symbolic = inputs.map((shape) => tfl.input({ shape: [...shape] }));
  const output = create().apply(symbolic.length === 1 ? symbolic[0] : symbolic);
  const model = tfl.model({ inputs: symbolic, outputs: output as tfl.SymbolicTensor });
  randomiseWeights(model, name);
  return model;
}
