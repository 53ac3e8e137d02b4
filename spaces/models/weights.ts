import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';
import { toStorage } from '../../compiler/index.js';
import { applyRule, convolutionNames, type Layer, type LayerTable, headsOf } from '../layers.js';
import { layersOf } from '../parts.js';
import type { Network } from '../network.js';

/** Name, shape and initial values of a weight. */
export interface WeightSpec {
  /** Layer and role: `block1_expand/kernel`, `block1_expand_bn/moving_mean`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** False for batch norm's moving statistics. */
  readonly trainable: boolean;
  /** Standard deviation of random initial values; 0: all are `fill`. */
  readonly std: number;
  readonly fill: number;
  /** Initial values instead of `fill`. */
  readonly values?: readonly number[];
  /** Of a kernel [k, k, in, out]: its first filters begin as the identity (Zagoruyko & Komodakis 2017), the others at random. */
  readonly identity?: true;
}

/** A weight's values in TF.js's layout. */
export interface WeightValue {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Weight values by name. */
export type Weights = ReadonlyMap<string, WeightValue>;

/** A network with its weights, as plain data: all that inference needs. */
export interface Model {
  readonly network: Network;
  readonly weights: Weights;
}

/** Standard deviation of the last layer's weights, as in the MobileNet papers' code: first logits near zero. */
const logitsStd = 0.01;

/** Initial logit of a detector's classes: nearly all cells are background (Lin et al. 2017, RetinaNet). */
const classBias = -2.2;

/** Initial width and height of a detector's boxes in pixels. */
const commonSize = 12;

const kernel = (name: string, shape: readonly number[], std: number): WeightSpec => ({
  name,
  shape,
  trainable: true,
  std,
  fill: 0,
});

const vector = (name: string, size: number, fill: number, trainable = true): WeightSpec => ({
  name,
  shape: [size],
  trainable,
  std: 0,
  fill,
});

/**
 * The weights of each kind of layer. Kernels are initialised as in He et al. 2015, with variance 2 / fan: convolutions by
 * fan-out of one group, as MobileNets do (k x k for depthwise); dense layers inside the network by fan-in.
 */
const rules: LayerTable<readonly WeightSpec[]> = {
  input: () => [],
  conv: (layer) => {
    const { kernel: side, input, output, groups = 1 } = layer;
    const [from, to] = [input[2] / groups, output[2] / groups];
    const std = Math.sqrt(2 / (side ** 2 * to));
    const identity = layer.identity === true ? { identity: true as const } : {};
    return convolutionNames(layer).map((name) => ({
      ...kernel(`${name}/kernel`, [side, side, from, to], std),
      ...identity,
    }));
  },
  depthwise: ({ name, kernel: side, input }) => [
    kernel(`${name}/depthwise_kernel`, [side, side, input[2], 1], Math.sqrt(2 / side ** 2)),
  ],
  batch_norm: ({ name, output: [, , channels], scale = 1 }) => [
    vector(`${name}/gamma`, channels, scale),
    vector(`${name}/beta`, channels, 0),
    vector(`${name}/moving_mean`, channels, 0, false),
    vector(`${name}/moving_variance`, channels, 1, false),
  ],
  activation: () => [],
  avg_pool: () => [],
  max_pool: () => [],
  global_pool: () => [],
  dense: ({ name, input, output }) => [
    kernel(`${name}/kernel`, [input[2], output[2]], name === 'logits' ? logitsStd : Math.sqrt(2 / input[2])),
    vector(`${name}/bias`, output[2], 0),
  ],
  dropout: () => [],
  add: () => [],
  multiply: () => [],
  zero: () => [],
  upsample: () => [],
  detections: ({ input: [, , width], stride, ...layer }) => {
    // The softmax of masks has no class that is rare from the start.
    const bias = layer.task === 'segmentation' ? 0 : classBias;
    const size = Math.log(commonSize / stride);
    return headsOf(layer).flatMap(([name, values]) =>
      name === 'classes'
        ? [kernel('classes/kernel', [width, values], logitsStd), vector('classes/bias', values, bias)]
        : [
            kernel('boxes/kernel', [width, values], logitsStd),
            { ...vector('boxes/bias', values, 0), values: [0, 0, size, size] },
          ],
    );
  },
};

export const weightsOfLayer = (layer: Layer): readonly WeightSpec[] => applyRule(rules, layer);

/** The weights of a network in training, in the order of its layers. */
export const weightSpecs = (network: Network): WeightSpec[] => layersOf(network).flatMap(weightsOfLayer);

/** Random initial weights of a network; see `drawWeights`. */
export const initialWeights = (network: Network, seed: number): Weights => drawWeights(weightSpecs(network), seed);

/** Initial values of weights. Each kernel has its own random stream: it depends only on (seed, layer name, shape). */
export function drawWeights(specs: readonly WeightSpec[], seed: number): Weights {
  return new Map(
    specs.map(({ name, shape, std, fill, values, identity }) => {
      const data = values === undefined ? new Float32Array(product(shape)).fill(fill) : Float32Array.from(values);
      if (std > 0) {
        const random = new Random(seed, 'weights', name.slice(0, name.indexOf('/')));
        for (let i = 0; i < data.length; i++) data[i] = std * random.normal();
      }
      if (identity === true) setIdentity(data, shape);
      return [name, { shape, data }];
    }),
  );
}

/** Makes the first filters of a kernel [k, k, in, out] copy their input. */
function setIdentity(data: Float32Array, [height, width, from, to]: readonly number[]): void {
  const centre = ((height - 1) >> 1) * width + ((width - 1) >> 1);
  for (let i = 0; i < data.length; i++) {
    const [filter, channel] = [i % to, Math.floor(i / to) % from];
    if (filter < from) data[i] = filter === channel && Math.floor(i / to / from) === centre ? 1 : 0;
  }
}

/** A weight with its axes in another order. */
export const permuted = ({ shape, data }: WeightValue, order: readonly number[]): WeightValue => ({
  shape: order.map((axis) => shape[axis]),
  data: toStorage(data, shape, order),
});

/** Variables of a network's weights on the current TF.js backend, in the order of its layers. */
export const weightVariables = ({ network, weights }: Model): Map<string, tf.Variable> =>
  variablesOf(weightSpecs(network), weights);

/** Variables with these values, on the current TF.js backend. */
export function variablesOf(specs: readonly WeightSpec[], values: Weights): Map<string, tf.Variable> {
  const resolve = weightsFrom(values);
  return new Map(
    specs.map(({ name, shape, trainable }) => [name, tf.tidy(() => tf.variable(resolve(name, shape), trainable))]),
  );
}

/** Returns the weight of a name in exactly this shape. */
export type WeightResolver = (name: string, shape: readonly number[]) => tf.Tensor;

/** Weights from a table. @throws Error when a weight is missing or has another shape */
export const weightsFrom =
  (table: ReadonlyMap<string, tf.Tensor | WeightValue>): WeightResolver =>
  (name, shape) => {
    const weight = table.get(name);
    if (weight === undefined) throw new Error(`there is no value for ${name}`);
    if (String(weight.shape) !== String(shape))
      throw new Error(`${name} has shape [${weight.shape}], expected [${shape}]`);
    return weight instanceof tf.Tensor ? weight : tf.tensor(weight.data, [...shape], 'float32');
  };

/** The weights of a batch norm that adds a bias and does nothing else in inference. */
export function biasNorm(name: string, bias: Float32Array, epsilon: number): Weights {
  const perChannel = (role: string, data: Float32Array) => [`${name}/${role}`, { shape: [data.length], data }] as const;
  const filled = (value: number): Float32Array => new Float32Array(bias.length).fill(value);
  return new Map([
    perChannel('gamma', filled(1)),
    perChannel('beta', bias),
    perChannel('moving_mean', filled(0)),
    perChannel('moving_variance', filled(1 - epsilon)),
  ]);
}
