import * as tf from '@tensorflow/tfjs-core';
import { exportFunction, type ExportOptions, inLayer, normalizeBatch, uniform } from '../../compiler/index.js';
import {
  applyRule,
  type Layer,
  type LayerActivation,
  type LayerOf,
  type LayerTable,
  type Shape,
  headsOf,
} from '../layers.js';
import { layersOf } from '../parts.js';
import { classification, type LearningTask, type TaskType, isMapTask } from '../../base/task.js';
import { detectionOf, type Network, type Style } from '../network.js';
import { type Model, type WeightResolver, weightsFrom, weightsOfLayer, type WeightSpec } from './weights.js';

/** Mean and population variance of each channel over one batch at a batch norm, [channels]. */
export interface BatchStatistics {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** How a network is applied. */
export interface Mode {
  /** True: batch norm by the batch's own statistics, with dropout; false: moving statistics, no dropout. */
  readonly training: boolean;
  /** In training, batch norm by the moving statistics, which stay. */
  readonly frozenNorms?: boolean;
  /** In training, receives the statistics of each batch norm (`stem_bn`) that is not frozen; it may assign variables. */
  readonly statistics?: (layer: string, batch: BatchStatistics) => void;
  /** Names of layers whose outputs are returned too; none by default. */
  readonly features?: readonly string[];
}

export interface Applied {
  /** [batch, classes]; of a detector, [batch, rows, columns, classes + 4]. */
  readonly logits: tf.Tensor;
  /** Outputs of the layers in `mode.features`, in that order. */
  readonly features: readonly tf.Tensor[];
}

/** relu6(x + 3), the part that hard sigmoid and hard swish share. */
const clipped = (x: tf.Tensor): tf.Tensor => relu6(tf.add(x, 3));
const relu6 = (x: tf.Tensor): tf.Tensor => tf.clipByValue(tf.relu(x), 0, 6);
const hardSigmoid = (x: tf.Tensor): tf.Tensor => tf.mul(clipped(x), 1 / 6);

const activationRules: { readonly [A in LayerActivation]: (x: tf.Tensor) => tf.Tensor } = {
  relu: (x) => tf.relu(x),
  relu6,
  swish: (x) => tf.mul(tf.sigmoid(x), x),
  sigmoid: (x) => tf.sigmoid(x),
  hard_sigmoid: hardSigmoid,
  hard_swish: (x) => tf.mul(x, hardSigmoid(x)),
};

type Convolution = Pick<LayerOf<'conv' | 'depthwise' | 'max_pool'>, 'kernel' | 'stride' | 'padding'>;

/** The padding of a convolution or pool in TF.js's terms. */
export const padOf = ({ kernel, padding }: Convolution): 'same' | number => (padding === 'same' ? 'same' : kernel >> 1);

/** Convolutions take and give images, [batch, height, width, channels]. */
const conv2d = (x: tf.Tensor, filter: tf.Tensor, layer: Convolution): tf.Tensor =>
  tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, layer.stride, padOf(layer));

/** A grouped convolution, which TF.js lacks: one convolution for each group of channels, concatenated. */
function groupedConv(x: tf.Tensor, filters: readonly tf.Tensor[], layer: Convolution): tf.Tensor {
  const parts = filters.map((filter, g) => {
    const channels = (filter as tf.Tensor4D).shape[2];
    return conv2d(tf.slice(x, [0, 0, 0, g * channels], [-1, -1, -1, channels]), filter, layer);
  });
  return tf.concat(parts, 3);
}

/** 1 / keep with probability `keep`, else 0; inverted, so inference needs no factor. */
const dropout = (x: tf.Tensor, keep: number): tf.Tensor =>
  tf.mul(x, tf.div(tf.floor(tf.add(uniform(x.shape), keep)), keep));

/**
 * Nearest neighbours at twice the size, or one row or column less. The gradient is of its own: TF.js's CPU kernel takes it from
 * the wrong images of a batch.
 */
function doubled(images: tf.Tensor, [height, width, channels]: Shape, [rows, columns]: Shape): tf.Tensor {
  const missing = [2 * height - rows, 2 * width - columns];
  const isWhole = missing.every((count) => count === 0);
  return tf.customGrad((x) => {
    const whole = tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * height, 2 * width]);
    return {
      value: isWhole ? whole : tf.slice(whole, [0, 0, 0, 0], [-1, rows, columns, channels]),
      gradFunc: (dy) => {
        const all = isWhole
          ? dy
          : tf.pad(dy, [
              [0, 0],
              [0, missing[0]],
              [0, missing[1]],
              [0, 0],
            ]);
        return tf.mul(tf.avgPool(all as tf.Tensor4D, 2, 2, 'valid'), 4);
      },
    };
  })(images);
}

/** A dense layer without bias at each pixel. @param kernel [in, out] */
const pointConv = (x: tf.Tensor, kernel: tf.Tensor): tf.Tensor =>
  conv2d(x, tf.reshape(kernel, [1, 1, ...kernel.shape]), { kernel: 1, stride: 1, padding: 'same' });

const joined = (parts: readonly tf.Tensor[], axis: number): tf.Tensor =>
  parts.length === 1 ? parts[0] : tf.concat([...parts], axis);

const rules: LayerTable<tf.Tensor, [mode: Mode, weights: readonly tf.Tensor[], x: tf.Tensor, y: tf.Tensor]> = {
  input: (_layer, _mode, _weights, x) => x,
  conv: (layer, _mode, weights, x) =>
    weights.length === 1 ? conv2d(x, weights[0], layer) : groupedConv(x, weights, layer),
  depthwise: (layer, _mode, [filter], x) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, layer.stride, padOf(layer)),
  batch_norm: ({ name, epsilon }, { training, frozenNorms, statistics }, [gamma, beta, mean, variance], x) => {
    if (training && frozenNorms !== true) {
      const { y, ...batch } = normalizeBatch(x, gamma, beta, epsilon);
      statistics?.(name, batch);
      return y;
    }
    if (!training) return tf.batchNorm(x, mean, variance, beta, gamma, epsilon);
    // Training differentiates this: TF.js's own gradient of batchNorm takes several more passes.
    const factor = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(x, factor), tf.sub(beta, tf.mul(mean, factor)));
  },
  activation: (layer, _mode, _weights, x) => activationRules[layer.act](x),
  avg_pool: ({ kernel, stride }, _mode, _weights, x) => tf.avgPool(x as tf.Tensor4D, kernel, stride, 'same'),
  max_pool: (layer, _mode, _weights, x) => tf.maxPool(x as tf.Tensor4D, layer.kernel, layer.stride, padOf(layer)),
  global_pool: (_layer, _mode, _weights, x) => tf.mean(x, [1, 2]),
  dense: (_layer, _mode, [kernel, bias], x) => tf.fused.matMul({ a: x, b: kernel, bias }),
  dropout: ({ rate }, { training }, _weights, x) => (training ? dropout(x, 1 - rate) : x),
  add: (_layer, _mode, _weights, x, y) => tf.add(x, y),
  multiply: ({ output }, _mode, _weights, x, y) => tf.mul(x, tf.reshape(y, [y.shape[0], 1, 1, output[2]])),
  zero: (_layer, _mode, _weights, x) => tf.mul(x, 0),
  upsample: ({ input, output }, _mode, _weights, x) => doubled(x, input, output),
  detections: (_layer, _mode, weights, x) => {
    const [kernels, biases] = [0, 1].map((which) => weights.filter((_, i) => i % 2 === which));
    return tf.add(pointConv(x, joined(kernels, 1)), joined(biases, 0));
  },
};

/** A rule reads as many inputs as its kind has and ignores the others. */
const applyLayer = (layer: Layer, weights: WeightResolver, mode: Mode, x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
  inLayer(layer.name, () =>
    tf.tidy(() => {
      const own = weightsOfLayer(layer).filter(
        ({ trainable }) => trainable || !mode.training || mode.frozenNorms === true,
      );
      const values = own.map(({ name, shape }) => weights(name, shape));
      return applyRule(rules, layer, mode, values, x, y);
    }),
  );

/** The layers after the global pool that ends a network's maps; of a detector, its outputs. */
function headLayers(network: Network): readonly Layer[] {
  const layers = layersOf(network);
  return layers.slice(
    detectionOf(network) === null ? layers.findLastIndex(({ name }) => name === 'head_pool') + 1 : layers.length - 1,
  );
}

/** The weights of these layers. */
export const headSpecs = (network: Network): readonly WeightSpec[] => headLayers(network).flatMap(weightsOfLayer);

/** Applies these layers to their input: the output of the pool [batch, channels], or a map; returns the logits. */
export const applyHead = (network: Network, weights: WeightResolver, features: tf.Tensor, mode: Mode): tf.Tensor =>
  headLayers(network).reduce((x, layer) => applyLayer(layer, weights, mode, x, x), features);

/**
 * Applies layers in their order.
 * @param inputs the values of the layers of kind `input`, by their names; not disposed of
 * @param weights called once for each weight that the mode needs; training needs no moving statistics
 */
export function applyLayers(
  layers: readonly Layer[],
  weights: WeightResolver,
  inputs: ReadonlyMap<string, tf.Tensor>,
  mode: Mode,
): Applied {
  const { training, features = [] } = mode;
  const lastUse = new Map(layers.flatMap(({ inputs: read }, i) => read.map((j) => [j, i] as const)));
  const given = new Set(inputs.values());
  const values: tf.Tensor[] = [];
  // In inference dropout returns its input, so one tensor may be the output of several layers.
  const isFeature = (value: tf.Tensor): boolean =>
    features.length > 0 && values.some((other, i) => other === value && features.includes(layers[i].name));
  for (const [i, layer] of layers.entries()) {
    const own = layer.kind === 'input' ? inputs.get(layer.name) : values[layer.inputs[0]];
    if (own === undefined) throw new Error(`no input is given for the layer ${layer.name}`);
    const output = applyLayer(layer, weights, mode, own, values[layer.inputs[1]] ?? own);
    values.push(output);
    // Unread values are freed at once, but not in training: the backward pass needs them.
    for (const j of training ? [] : layer.inputs)
      if (lastUse.get(j) === i && values[j] !== output && !given.has(values[j]) && !isFeature(values[j]))
        values[j].dispose();
  }
  const outputOf = (name: string): tf.Tensor => values[layers.findIndex((layer) => layer.name === name)];
  return { logits: values[values.length - 1], features: features.map(outputOf) };
}

/** The images, as the input of a network's layers. */
const asInput = (images: tf.Tensor): ReadonlyMap<string, tf.Tensor> => new Map([['input', images]]);

/**
 * Applies a network to images: in inference or training, eagerly or inside a compiled function, with any weights that the
 * resolver gives (variables, slices of shared weights, rounded weights, constants).
 *
 * @param images [batch, height, width, channels] in float32, normalised; not disposed of
 * @param weights as in `applyLayers`
 */
export const apply = (network: Network, weights: WeightResolver, images: tf.Tensor, mode: Mode): Applied =>
  applyLayers(layersOf(network), weights, asInput(images), mode);

/**
 * Updates moving statistics from batches, as `mode.statistics`: moving -= (moving - batch) (1 - momentum).
 * @param variables by weight name; assigns `moving_mean` and `moving_variance`
 */
export function followStatistics(
  variables: ReadonlyMap<string, tf.Variable>,
  { momentum }: Pick<Style, 'momentum'>,
): NonNullable<Mode['statistics']> {
  return (layer, { mean, variance }) => {
    const follow = (name: string, value: tf.Tensor): void => {
      const moving = variables.get(name);
      if (moving === undefined) throw new Error(`there is no variable ${name}`);
      moving.assign(tf.sub(moving, tf.mul(tf.sub(moving, value), 1 - momentum)));
    };
    follow(`${layer}/moving_mean`, mean);
    follow(`${layer}/moving_variance`, variance);
  };
}

/** The outputs of a network for normalised images, [batch, outputs], as files give them: numbers in their own units. */
export function answers({ network, weights }: Model, task: LearningTask, images: tf.Tensor): tf.Tensor {
  return inUnits(task, apply(network, weightsFrom(weights), images, { training: false }).logits);
}

/** Outputs as files give them, from outputs as networks are trained. */
export const inUnits = (task: LearningTask, outputs: tf.Tensor): tf.Tensor =>
  task.type === 'regression' ? tf.add(tf.mul(outputs, [...task.std]), [...task.mean]) : outputs;

/**
 * The outputs of a detector, one a head, as files give them: int8 files have a scale for each.
 * @returns `classes` [batch, rows, columns, classes], logits, and of detection alone `boxes` [batch, rows, columns, 4]
 */
export function headOutputs(
  layers: readonly Layer[],
  weights: WeightResolver,
  inputs: ReadonlyMap<string, tf.Tensor>,
): Record<string, tf.Tensor> {
  const end = layers[layers.length - 1];
  if (end.kind !== 'detections') throw new Error('the network is no detector');
  const source = layers[end.inputs[0]];
  const mode = { training: false, features: [source.name] };
  const [map] = applyLayers(layers, weights, inputs, mode).features;
  const head = (name: string, size: number): tf.Tensor =>
    inLayer(name, () => {
      const kernel = weights(`${name}/kernel`, [source.output[2], size]);
      const filter = tf.reshape<tf.Rank.R4>(kernel, [1, 1, source.output[2], size]);
      return tf.fused.conv2d({
        x: map as tf.Tensor4D,
        filter,
        strides: 1,
        pad: 'same',
        bias: weights(`${name}/bias`, [size]),
      });
    });
  return Object.fromEntries(headsOf(end).map(([name, size]) => [name, head(name, size)]));
}

/** The name of the output in files. */
export const outputNames: { readonly [T in TaskType]: string } = {
  classification: 'logits',
  'multi-label': 'logits',
  regression: 'numbers',
  detection: 'maps',
  centroids: 'maps',
  segmentation: 'maps',
};

/**
 * Exports a network as a portable ONNX file: input `input` float32 [N, height, width, channels], normalised; output [N, outputs],
 * named as in `outputNames`. A detector has an output for each head with its task, and else one, as in training.
 * @param options.task default: classification
 * @throws Error when the weights do not match the network
 */
export const toOnnx = (
  model: Model,
  { task = classification, ...options }: ExportOptions & { readonly task?: LearningTask | undefined } = {},
): Uint8Array => {
  const infer = (images: tf.Tensor) =>
    isMapTask(task.type)
      ? headOutputs(layersOf(model.network), weightsFrom(model.weights), asInput(images))
      : answers(model, task, images);
  return exportFunction(infer, model.network.input, {
    outputName: outputNames[task.type],
    ...options,
  });
};
