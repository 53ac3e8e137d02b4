import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { Random } from '../../base/random.js';
import type { Layer } from '../layer.js';

/** Standard deviation of the last layer's weights, as in the MobileNet papers' code: first logits near zero. */
const logitsStd = 0.01;

/**
 * He et al. 2015: variance 2 / fan. Convolutions use the fan-out, as MobileNets do (of one group: k x k for depthwise);
 * dense layers inside the network use the fan-in. Null: the layer keeps what Keras gives it (ones and zeros).
 */
function kernelStd(layer: Layer): number | null {
  switch (layer.kind) {
    case 'conv':
      return Math.sqrt(2 / (layer.kernel ** 2 * (layer.output[2] / (layer.groups ?? 1))));
    case 'depthwise':
      return Math.sqrt(2 / layer.kernel ** 2);
    case 'dense':
      return layer.name === 'logits' ? logitsStd : Math.sqrt(2 / layer.input[2]);
    default:
      return null;
  }
}

/**
 * Draws a layer's kernel from its own random stream, so that weights depend on (seed, layer name, shape) only. Of the
 * Keras layers that make one of ours, those without weights are left alone.
 */
export function initialise(layer: Layer, built: tfl.layers.Layer, seed: number): void {
  const std = kernelStd(layer);
  if (std === null || built.weights.length === 0) return;
  const [kernel] = built.weights;
  const shape = kernel.shape.map((side) => side ?? 1);
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const random = new Random(seed, 'weights', built.name);
  for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
  const tensor = tf.tensor(values, shape, 'float32');
  kernel.write(tensor);
  tensor.dispose();
}
