import * as tf from '@tensorflow/tfjs-core';
import { exportFunction, type ExportOptions, inLayer, normalizeBatch, uniform } from '../../compiler/index.js';
import { applyRule, type Layer, type LayerActivation, type LayerOf, layersOf, type LayerTable } from '../layers.js';
import type { Network } from '../network.js';
import { type Model, type WeightResolver, weightsFrom, weightsOfLayer } from './weights.js';

/** Momentum and epsilon of batch norm in every network. */
export const batchNorm = { momentum: 0.9, epsilon: 1e-3 } as const;

/** The statistics of one batch at a batch norm: mean and population variance of each channel, [channels]. */
export interface BatchStatistics {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** What becomes of values between layers: rounded to what fewer bits hold. */
export interface Rounding {
  /** Of a layer's output, before anybody reads it. */
  output(layer: Layer, y: tf.Tensor): tf.Tensor;
  /** Of the factor in [0, 1] inside a layer: the hard sigmoid of hard swish, the sigmoid of swish. */
  gate(layer: LayerOf<'activation'>, y: tf.Tensor): tf.Tensor;
}

/** How a network is applied. */
export interface Mode {
  /** True: batch norm by the batch's own statistics, and dropout; false: by the moving statistics, and none. */
  readonly training: boolean;
  /** In training, told what each batch norm (`stem_bn`) saw; it may assign variables. */
  readonly statistics?: (layer: string, batch: BatchStatistics) => void;
  /** Default: values are what they are. */
  readonly rounding?: Rounding;
  /** Names of layers whose outputs are wanted as well; none by default. */
  readonly features?: readonly string[];
}

export interface Applied {
  /** [batch, classes]. */
  readonly logits: tf.Tensor;
  /** Outputs of the layers in `mode.features`, in that order. */
  readonly features: readonly tf.Tensor[];
}

/** relu6(x + 3), the part that hard sigmoid and hard swish share. */
const clipped = (x: tf.Tensor): tf.Tensor => relu6(tf.add(x, 3));
const relu6 = (x: tf.Tensor): tf.Tensor => tf.clipByValue(tf.relu(x), 0, 6);
const hardSigmoid = (x: tf.Tensor): tf.Tensor => tf.mul(clipped(x), 1 / 6);

/** What becomes of a gate before its product. */
type Gate = (y: tf.Tensor) => tf.Tensor;

const activationRules: { readonly [A in LayerActivation]: (x: tf.Tensor, gate: Gate) => tf.Tensor } = {
  relu: (x) => tf.relu(x),
  relu6,
  swish: (x, gate) => tf.mul(gate(tf.sigmoid(x)), x),
  hard_sigmoid: hardSigmoid,
  hard_swish: (x, gate) => tf.mul(x, gate(hardSigmoid(x))),
};

/** Convolutions take and give images, [batch, height, width, channels]. */
const conv2d = (x: tf.Tensor, filter: tf.Tensor, stride: number): tf.Tensor =>
  tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same');

/** A convolution in groups, which TF.js has not: one for each part of the channels, the results side by side. */
function groupedConv(x: tf.Tensor, filters: readonly tf.Tensor[], stride: number): tf.Tensor {
  const parts = filters.map((filter, g) => {
    const channels = (filter as tf.Tensor4D).shape[2];
    return conv2d(tf.slice(x, [0, 0, 0, g * channels], [-1, -1, -1, channels]), filter, stride);
  });
  return tf.concat(parts, 3);
}

/** 1 / keep with probability `keep`, else 0; inverted, so that inference needs no factor. */
const dropout = (x: tf.Tensor, keep: number): tf.Tensor =>
  tf.mul(x, tf.div(tf.floor(tf.add(uniform(x.shape), keep)), keep));

const rules: LayerTable<tf.Tensor, [mode: Mode, weights: readonly tf.Tensor[], x: tf.Tensor, y: tf.Tensor]> = {
  input: (_layer, _mode, _weights, x) => x,
  conv: ({ stride }, _mode, weights, x) =>
    weights.length === 1 ? conv2d(x, weights[0], stride) : groupedConv(x, weights, stride),
  depthwise: ({ stride }, _mode, [filter], x) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same'),
  batch_norm: ({ name }, { training, statistics, rounding }, [gamma, beta, mean, variance], x) => {
    const { epsilon } = batchNorm;
    if (training) {
      const { y, ...batch } = normalizeBatch(x, gamma, beta, epsilon);
      statistics?.(name, batch);
      return y;
    }
    if (rounding === undefined) return tf.batchNorm(x, mean, variance, beta, gamma, epsilon);
    // What is rounded is learnt through: the gradient of TF.js's own operation takes several passes more.
    const factor = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(x, factor), tf.sub(beta, tf.mul(mean, factor)));
  },
  activation: (layer, { rounding }, _weights, x) =>
    activationRules[layer.act](x, (gate) => rounding?.gate(layer, gate) ?? gate),
  avg_pool: ({ kernel, stride }, _mode, _weights, x) => tf.avgPool(x as tf.Tensor4D, kernel, stride, 'same'),
  global_pool: (_layer, _mode, _weights, x) => tf.mean(x, [1, 2]),
  dense: (_layer, _mode, [kernel, bias], x) => tf.fused.matMul({ a: x, b: kernel, bias }),
  dropout: ({ rate }, { training }, _weights, x) => (training ? dropout(x, 1 - rate) : x),
  add: (_layer, _mode, _weights, x, y) => tf.add(x, y),
  multiply: ({ output }, _mode, _weights, x, y) => tf.mul(x, tf.reshape(y, [y.shape[0], 1, 1, output[2]])),
  shuffle: ({ groups, output: [height, width, channels] }, _mode, _weights, x) => {
    const table = tf.reshape(x, [x.shape[0], height, width, groups, channels / groups]);
    return tf.reshape(tf.transpose(table, [0, 1, 2, 4, 3]), x.shape);
  },
  zero: (_layer, _mode, _weights, x) => tf.mul(x, 0),
};

/**
 * Applies a network to images: in inference or training, eagerly or inside a function that is compiled, and with
 * whatever weights the resolver gives (variables, slices of larger ones, rounded ones, constants).
 *
 * @param images [batch, height, width, channels] in float32, already normalised; they are not disposed of
 * @param weights called once for each weight that the mode needs: in training not for batch norm's moving statistics
 */
export function apply(network: Network, weights: WeightResolver, images: tf.Tensor, mode: Mode): Applied {
  const { training, features = [] } = mode;
  const layers = layersOf(network);
  const lastUse = new Map(layers.flatMap(({ inputs }, i) => inputs.map((j) => [j, i] as const)));
  const values: tf.Tensor[] = [];
  // Dropout gives in inference what it was given: one tensor may be the output of several layers.
  const isFeature = (value: tf.Tensor): boolean =>
    features.length > 0 && values.some((other, i) => other === value && features.includes(layers[i].name));
  for (const [i, layer] of layers.entries()) {
    const output = inLayer(layer.name, () =>
      tf.tidy(() => {
        const own = weightsOfLayer(layer).filter(({ trainable }) => trainable || !training);
        // A rule reads as many inputs as its kind has and never looks at the others.
        const [x = images, y = images] = layer.inputs.map((j) => values[j]);
        const output = applyRule(
          rules,
          layer,
          mode,
          own.map(({ name, shape }) => weights(name, shape)),
          x,
          y,
        );
        return mode.rounding?.output(layer, output) ?? output;
      }),
    );
    values.push(output);
    // What nobody reads any more is freed at once: the way back, which needs it, is there in training only.
    for (const j of training ? [] : layer.inputs)
      if (lastUse.get(j) === i && values[j] !== output && values[j] !== images && !isFeature(values[j]))
        values[j].dispose();
  }
  const outputOf = (name: string): tf.Tensor => values[layers.findIndex((layer) => layer.name === name)];
  return { logits: values[values.length - 1], features: features.map(outputOf) };
}

/**
 * Lets moving statistics follow the batches: moving -= (moving - batch) (1 - momentum), as `mode.statistics`.
 * @param variables by the names of weights; those of `moving_mean` and `moving_variance` are assigned
 */
export function followStatistics(variables: ReadonlyMap<string, tf.Variable>): NonNullable<Mode['statistics']> {
  return (layer, { mean, variance }) => {
    const follow = (name: string, value: tf.Tensor): void => {
      const moving = variables.get(name);
      if (moving === undefined) throw new Error(`there is no variable ${name}`);
      moving.assign(tf.sub(moving, tf.mul(tf.sub(moving, value), 1 - batchNorm.momentum)));
    };
    follow(`${layer}/moving_mean`, mean);
    follow(`${layer}/moving_variance`, variance);
  };
}

/**
 * A network as a portable ONNX file: input `input` float32 [N, height, width, channels], already normalised; output
 * `logits` [N, classes].
 * @throws Error when the weights are not those of the network
 */
export const toOnnx = ({ network, weights }: Model, options: ExportOptions = {}): Uint8Array =>
  exportFunction(
    (images) => apply(network, weightsFrom(weights), images, { training: false }).logits,
    network.input,
    options,
  );
