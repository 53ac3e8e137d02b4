import * as tf from '@tensorflow/tfjs-core';
import type { LayerCall } from './patch.js';
import { isTraining, layerPrototypes, numberField, patchCall, singleTensor, undoAll } from './patch.js';

type Uniform = (shape: readonly number[]) => tf.Tensor;

/** Standard normal noise (Box-Muller). */
function normal(uniform: Uniform, shape: readonly number[]): tf.Tensor {
  const radius = tf.sqrt(tf.mul(tf.log(tf.sub(1, uniform(shape))), -2));
  return tf.mul(radius, tf.cos(tf.mul(uniform(shape), 2 * Math.PI)));
}

/** Shape of the noise: where the layer's own noise shape says 1, one number is shared. */
function noiseShape(layer: object, x: tf.Tensor): number[] {
  // SpatialDropout1D says its shape by overriding this method of Dropout.
  const own: unknown = Reflect.get(layer, 'getNoiseShape');
  const shape: unknown = typeof own === 'function' ? own.call(layer, x) : Reflect.get(layer, 'noiseShape');
  return x.shape.map((d, i) => (Array.isArray(shape) && typeof shape[i] === 'number' ? shape[i] : d));
}

/** 1 with probability `keep`, else 0. */
const kept = (uniform: Uniform, shape: readonly number[], keep: number): tf.Tensor =>
  tf.floor(tf.add(uniform(shape), keep));

/** Scale of SELU, negated and multiplied by its alpha: the value that dropped units of alpha dropout take. */
const seluFloor = -1.0507009873554805 * 1.6732632423543772;

/** What each noise layer does to its input in training. */
const noiseLayers: Readonly<Record<string, (layer: object, x: tf.Tensor, uniform: Uniform) => tf.Tensor>> = {
  Dropout: (layer, x, uniform) => {
    const keep = 1 - numberField(layer, 'rate', 0);
    return keep <= 0 || keep >= 1 ? x : tf.mul(x, tf.div(kept(uniform, noiseShape(layer, x), keep), keep));
  },
  GaussianNoise: (layer, x, uniform) => tf.add(x, tf.mul(normal(uniform, x.shape), numberField(layer, 'stddev', 0))),
  GaussianDropout: (layer, x, uniform) => {
    const rate = numberField(layer, 'rate', 0);
    if (rate <= 0 || rate >= 1) return x;
    return tf.mul(x, tf.add(tf.mul(normal(uniform, x.shape), Math.sqrt(rate / (1 - rate))), 1));
  },
  AlphaDropout: (layer, x, uniform) => {
    const rate = numberField(layer, 'rate', 0);
    if (rate <= 0 || rate >= 1) return x;
    const mask = kept(uniform, noiseShape(layer, x), 1 - rate);
    const a = ((1 - rate) * (1 + rate * seluFloor ** 2)) ** -0.5;
    const b = -a * seluFloor * rate;
    return tf.add(tf.mul(tf.add(tf.mul(x, mask), tf.mul(tf.sub(1, mask), seluFloor)), a), b);
  },
};

/**
 * Lets the noise layers draw from `uniform` instead of JavaScript's random numbers, which a trace would freeze.
 * The result puts the layers back.
 */
export function overrideNoiseLayers(uniform: Uniform): () => void {
  const prototypes = layerPrototypes();
  return undoAll(
    Object.entries(noiseLayers).map(([name, apply]) => {
      const prototype = prototypes.get(name);
      const call: LayerCall = function (inputs, kwargs) {
        return isTraining(kwargs) ? tf.tidy(() => apply(this, singleTensor(inputs), uniform)) : inputs;
      };
      return prototype ? patchCall(prototype, () => call) : () => undefined;
    }),
  );
}
