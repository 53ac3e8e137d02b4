import * as tf from '@tensorflow/tfjs-core';
import { padOf } from '../../spaces/models/index.js';
import { applyRule, convolutionNames, type LayerTable, type Network, trainedLayersOf } from '../../spaces/index.js';

/** A feature map of the linearised network: `exp(logScale)` times `value`, as deep products exceed the range of float32. */
interface Flow {
  /** [1, height, width, channels], or [1, channels] after the pooling; its mean is at most 1. */
  readonly value: tf.Tensor;
  /** The derivative of the map when all weights grow by the same factor, in the same scale. */
  readonly growth: tf.Tensor;
  /** Scalar. */
  readonly logScale: tf.Tensor;
}

/** The smallest mean: a network without flow gets a very small score instead of NaN. */
const tiny = 1e-30;

const linear = ({ value, growth, logScale }: Flow, apply: (x: tf.Tensor) => tf.Tensor): Flow => ({
  value: apply(value),
  growth: apply(growth),
  logScale,
});

/** A layer with weights, which is linear in input and weights: growing its weights adds its own output. */
function weighted(x: Flow, apply: (x: tf.Tensor) => tf.Tensor): Flow {
  const { value, growth, logScale } = linear(x, apply);
  const scale = tf.maximum(tf.mean(value), tiny);
  return {
    value: tf.div(value, scale),
    growth: tf.div(tf.add(growth, value), scale),
    logScale: tf.add(logScale, tf.log(scale)),
  };
}

function sum(a: Flow, b: Flow): Flow {
  const logScale = tf.maximum(a.logScale, b.logScale);
  const [ofA, ofB] = [a, b].map((flow) => tf.exp(tf.sub(flow.logScale, logScale)));
  return {
    value: tf.add(tf.mul(a.value, ofA), tf.mul(b.value, ofB)),
    growth: tf.add(tf.mul(a.growth, ofA), tf.mul(b.growth, ofB)),
    logScale,
  };
}

/** The linearised network: weights |w|, no biases, no batch norm, identity activations, open squeeze-excite gates. */
const rules: LayerTable<Flow, [kernel: (name: string) => tf.Tensor, x: Flow, y: Flow]> = {
  input: ({ output }) => ({ value: tf.ones([1, ...output]), growth: tf.zeros([1, ...output]), logScale: tf.scalar(0) }),
  conv: (layer, kernel, x) => {
    const names = convolutionNames(layer);
    const conv = (map: tf.Tensor, name: string): tf.Tensor =>
      tf.conv2d(map as tf.Tensor4D, tf.abs(kernel(`${name}/kernel`)) as tf.Tensor4D, layer.stride, padOf(layer));
    return weighted(x, (map) =>
      names.length === 1
        ? conv(map, names[0])
        : tf.concat(
            tf.split(map, names.length, 3).map((part, g) => conv(part, names[g])),
            3,
          ),
    );
  },
  depthwise: (layer, kernel, x) => {
    const filter = tf.abs(kernel(`${layer.name}/depthwise_kernel`)) as tf.Tensor4D;
    return weighted(x, (map) => tf.depthwiseConv2d(map as tf.Tensor4D, filter, layer.stride, padOf(layer)));
  },
  batch_norm: (_layer, _kernel, x) => x,
  activation: (_layer, _kernel, x) => x,
  avg_pool: ({ kernel: side, stride }, _kernel, x) =>
    linear(x, (map) => tf.avgPool(map as tf.Tensor4D, side, stride, 'same')),
  global_pool: (_layer, _kernel, x) => linear(x, (map) => tf.mean(map, [1, 2])),
  dense: ({ name }, kernel, x) => weighted(x, (map) => tf.matMul(map, tf.abs(kernel(`${name}/kernel`)))),
  dropout: (_layer, _kernel, x) => x,
  add: (_layer, _kernel, x, y) => sum(x, y),
  multiply: (_layer, _kernel, x) => x,
  shuffle: ({ groups, output: [height, width, channels] }, _kernel, x) =>
    linear(x, (map) => {
      const table = tf.reshape(map, [1, height, width, groups, channels / groups]);
      return tf.reshape(tf.transpose(table, [0, 1, 2, 4, 3]), [1, height, width, channels]);
    }),
  zero: (_layer, _kernel, x) => linear(x, tf.zerosLike),
};

function fail(name: string): never {
  throw new Error(`there is no value for ${name}`);
}

/**
 * Synaptic flow (Tanaka et al. 2020), as a scalar tensor: the natural logarithm of the sum over all weights of
 * |w dR/dw|, where R is the sum of the linearised network's outputs for an image of ones (Abdelfattah et al. 2021: batch
 * norm left out).
 *
 * R is a polynomial of |w| with positive coefficients. Hence the sum equals the sum of w dR/dw, the derivative of R when all
 * weights grow by the same factor (Euler). It is propagated forwards without differentiation.
 */
export function synapticFlow(network: Network, weights: ReadonlyMap<string, tf.Variable>): tf.Tensor {
  const kernel = (name: string): tf.Tensor => weights.get(name) ?? fail(name);
  const flows: Flow[] = [];
  for (const layer of trainedLayersOf(network)) {
    // A rule reads as many inputs as its kind has and ignores the others.
    const [x, y] = layer.inputs.map((i) => flows[i]);
    flows.push(applyRule(rules, layer, kernel, x, y));
  }
  const { growth, logScale } = flows[flows.length - 1];
  return tf.add(logScale, tf.log(tf.maximum(tf.sum(growth), tiny)));
}
