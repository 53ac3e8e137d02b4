import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { inLayer, normalizeBatch, uniform, type HostTensor } from '../../../compiler/index.js';
import { styleOf, type Network } from '../../../spaces/index.js';
import {
  apply as applyNetwork,
  followStatistics,
  initialWeights,
  weightsFrom,
  weightVariables,
} from '../../../spaces/models/index.js';
import type { LayerCase } from '../cases/layers.js';
import { Sampler, toTensor } from './samples.js';

function randomValues(sample: Sampler, name: string, shape: readonly number[]): HostTensor {
  if (name.includes('variance')) return sample.between(0.5, 2, [...shape]);
  if (name.includes('gamma')) return sample.between(0.5, 1.5, [...shape]);
  return sample.normal([...shape], 0.5);
}

/** Gives all weights of a model reproducible values away from their initial ones; variances stay positive. */
export function randomiseWeights(model: tfl.LayersModel, key: string): void {
  const sample = new Sampler('weights', key);
  const valuesOf = ({ name, shape }: tfl.LayerVariable): HostTensor => randomValues(sample, name, shape.map(Number));
  tf.tidy(() => model.setWeights(model.weights.map((weight) => toTensor(valuesOf(weight)))));
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

/** A network of ours in training, its weights away from their initial values; moving statistics follow. */
export function trainingOf(network: Network, key: string) {
  const weights = weightVariables({ network, weights: initialWeights(network, 1) });
  const sample = new Sampler('weights', key);
  for (const [name, variable] of weights)
    tf.tidy(() => variable.assign(toTensor(randomValues(sample, name, variable.shape))));
  const mode = { training: true, statistics: followStatistics(weights, styleOf(network)) };
  return {
    logits: (x: tf.Tensor): tf.Tensor => applyNetwork(network, weightsFrom(weights), x, mode).logits,
    trainable: [...weights.values()].filter(({ trainable }) => trainable),
  };
}

/** A layer of TF.js that does something else with images in training. */
function inTraining(layer: tfl.layers.Layer, train: (x: tf.Tensor) => tf.Tensor): tfl.layers.Layer {
  const original = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    const [x] = [inputs].flat();
    return kwargs['training'] === true ? inLayer(layer.name, () => tf.tidy(() => train(x))) : original(inputs, kwargs);
  };
  return layer;
}

/** TF.js's batch normalisation, in training of images by the kernel that networks of ours use. */
export function batchNormLayer(): tfl.layers.Layer {
  const layer = tfl.layers.batchNormalization();
  const weight = (name: string): tfl.LayerVariable => Reflect.get(layer, name) as tfl.LayerVariable;
  const follow = (name: string, value: tf.Tensor): void => {
    const before = weight(name).read();
    weight(name).write(tf.sub(before, tf.mul(tf.sub(before, value), 1 - 0.99)));
  };
  return inTraining(layer, (x) => {
    const { y, mean, variance } = normalizeBatch(x, weight('gamma').read(), weight('beta').read(), 1e-3);
    follow('movingMean', mean);
    follow('movingVariance', variance);
    return y;
  });
}

/** TF.js's dropout, in training with the noise of the program. */
export const dropoutLayer = (rate: number): tfl.layers.Layer =>
  inTraining(tfl.layers.dropout({ rate }), (x) =>
    tf.mul(x, tf.div(tf.floor(tf.add(uniform(x.shape), 1 - rate)), 1 - rate)),
  );
