import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { runOwn } from '../gradients.js';
import type { LayerCall } from './patch.js';
import { isTraining, layerPrototypes, numberField, patchCall, singleTensor } from './patch.js';

const weight = (layer: object, name: string): tfl.LayerVariable | null => {
  const value: unknown = Reflect.get(layer, name);
  return value instanceof tfl.LayerVariable ? value : null;
};

/** Batch normalisation over images in training, as one kernel with a short gradient. */
function normalizeBatch(layer: tfl.layers.Layer, x: tf.Tensor): tf.Tensor {
  const channels: [number] = [x.shape[x.rank - 1]];
  const gamma = weight(layer, 'gamma')?.read() ?? tf.ones(channels);
  const beta = weight(layer, 'beta')?.read() ?? tf.zeros(channels);
  const epsilon = numberField(layer, 'epsilon', 1e-3);
  const [y, mean, variance] = [runOwn('NasBatchNorm', { x, gamma, beta }, { epsilon })].flat();
  const decay = 1 - numberField(layer, 'momentum', 0.99);
  const follow = (name: string, value: tf.Tensor): void => {
    const moving = weight(layer, name);
    const before = moving?.read();
    if (moving && before) moving.write(tf.sub(before, tf.mul(tf.sub(before, value), decay)));
  };
  follow('movingMean', mean);
  follow('movingVariance', variance);
  return y;
}

/** Makes BatchNormalization layers record the short kernel in training; the result puts them back. */
export function overrideBatchNorm(): () => void {
  const prototype = layerPrototypes().get('BatchNormalization');
  if (!prototype) return () => undefined;
  return patchCall(prototype, (original): LayerCall => {
    return function (inputs, kwargs) {
      const x = singleTensor(inputs);
      const axis = numberField(this, 'axis', -1);
      const applies = isTraining(kwargs) && x.rank === 4 && (axis === -1 || axis === 3);
      return applies ? tf.tidy(() => normalizeBatch(this, x)) : original.call(this, inputs, kwargs);
    };
  });
}
