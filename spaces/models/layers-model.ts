import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { classification, type LearningTask } from '../../base/task.js';
import {
  applyRule,
  convolutionNames,
  type LayerActivation,
  type LayerOf,
  type LayerTable,
  headsOf,
} from '../layers.js';
import { layersOf } from '../parts.js';
import { padOf } from './apply.js';
import { weightsFrom, type Model, type Weights } from './weights.js';

type Value = tfl.SymbolicTensor;
/** Applies a Keras layer. */
type Apply = (layer: tfl.layers.Layer, ...inputs: readonly Value[]) => Value;

const { layers: keras } = tfl;

/** relu6(x + 3), the part that hard sigmoid and hard swish share. */
const clipped = (name: string, apply: Apply, x: Value): Value =>
  apply(
    keras.reLU({ name: `${name}_clip`, maxValue: 6 }),
    apply(keras.rescaling({ name: `${name}_shift`, scale: 1, offset: 3 }), x),
  );

const activationRules: { readonly [A in LayerActivation]: (name: string, apply: Apply, x: Value) => Value } = {
  relu: (name, apply, x) => apply(keras.reLU({ name }), x),
  relu6: (name, apply, x) => apply(keras.reLU({ name, maxValue: 6 }), x),
  swish: (name, apply, x) => apply(keras.activation({ name, activation: 'swish' }), x),
  sigmoid: (name, apply, x) => apply(keras.activation({ name, activation: 'sigmoid' }), x),
  hard_sigmoid: (name, apply, x) => apply(keras.rescaling({ name, scale: 1 / 6 }), clipped(name, apply, x)),
  hard_swish: (name, apply, x) =>
    apply(
      keras.multiply({ name }),
      x,
      apply(keras.rescaling({ name: `${name}_gate`, scale: 1 / 6 }), clipped(name, apply, x)),
    ),
};

type Convolution = LayerOf<'conv' | 'depthwise'>;

/** What all convolutions have in common. */
const convolution = ({ kernel, stride, padding }: Convolution) =>
  ({ kernelSize: kernel, strides: stride, padding: padding === 'same' ? 'same' : 'valid', useBias: false }) as const;

/** The input of a convolution, with a layer of its own for paddings that Keras's convolutions lack. */
function padded(layer: Convolution, apply: Apply, x: Value): Value {
  const pad = padOf(layer);
  if (pad === 'same') return x;
  const sides: [number, number] = [pad, pad];
  return apply(keras.zeroPadding2d({ name: `${layer.name}_pad`, padding: [sides, sides] }), x);
}

const zeroKernel = { kernelInitializer: 'zeros' } as const;

const conv2d = (layer: LayerOf<'conv'>, apply: Apply, x: Value): Value =>
  apply(
    keras.conv2d({ ...convolution(layer), ...zeroKernel, name: layer.name, filters: layer.output[2] }),
    padded(layer, apply, x),
  );

/** A grouped convolution, which TF.js lacks: the channels split, a convolution for each part, concatenated. */
function groupedConv(layer: LayerOf<'conv'>, apply: Apply, x: Value): Value {
  const { name, output } = layer;
  const names = convolutionNames(layer);
  const groups = names.length;
  const [height, width, filters] = output;
  const channels = Number(x.shape[3]);
  const part = channels / groups;
  const results = names.map((own, g) => {
    // Cropping of 'channelsFirst' maps crops the last axis, whatever it means.
    const cropping: [[number, number], [number, number]] = [
      [0, 0],
      [g * part, channels - (g + 1) * part],
    ];
    const cut = keras.cropping2D({ name: `${name}_part${g + 1}`, cropping, dataFormat: 'channelsFirst' });
    return conv2d({ ...layer, name: own, output: [height, width, filters / groups] }, apply, apply(cut, x));
  });
  return apply(keras.concatenate({ name, axis: 3 }), ...results);
}

/** Keras has no pool whose padding is half the window: windows around every pixel, of which the stride's stay. */
function maxPool({ name, kernel, stride, padding }: LayerOf<'max_pool'>, apply: Apply, x: Value): Value {
  const pool = (own: string, poolSize: number, strides: number, value: Value): Value =>
    apply(keras.maxPooling2d({ name: own, poolSize, strides, padding: 'same' }), value);
  return padding === 'same' ? pool(name, kernel, stride, x) : pool(name, 1, stride, pool(`${name}_all`, kernel, 1, x));
}

/** Twice the rows and columns, without the last of them where the result lacks one. */
function doubled({ name, input, output }: LayerOf<'upsample'>, apply: Apply, x: Value): Value {
  const missing = [0, 1].map((axis) => 2 * input[axis] - output[axis]);
  const up = (own: string): Value => apply(keras.upSampling2d({ name: own, size: [2, 2] }), x);
  if (missing.every((count) => count === 0)) return up(name);
  const cropping: [[number, number], [number, number]] = [
    [0, missing[0]],
    [0, missing[1]],
  ];
  return apply(keras.cropping2D({ name, cropping }), up(`${name}_whole`));
}

const heads = (layer: LayerOf<'detections'>, apply: Apply, x: Value): Value[] =>
  headsOf(layer).map(([name, filters]) => apply(keras.conv2d({ name, filters, kernelSize: 1, ...zeroKernel }), x));

const rules: LayerTable<Value, [Apply, Value, Value]> = {
  input: ({ name, output }) => tfl.input({ name, shape: [...output] }),
  conv: (layer, apply, x) => (layer.groups === undefined ? conv2d : groupedConv)(layer, apply, x),
  depthwise: (layer, apply, x) =>
    apply(
      keras.depthwiseConv2d({ ...convolution(layer), depthwiseInitializer: 'zeros', name: layer.name }),
      padded(layer, apply, x),
    ),
  batch_norm: ({ name, epsilon, momentum }, apply, x) =>
    apply(keras.batchNormalization({ name, epsilon, momentum }), x),
  activation: ({ name, act }, apply, x) => activationRules[act](name, apply, x),
  avg_pool: ({ name, kernel, stride }, apply, x) =>
    apply(keras.averagePooling2d({ name, poolSize: kernel, strides: stride, padding: 'same' }), x),
  max_pool: maxPool,
  global_pool: ({ name }, apply, x) => apply(keras.globalAveragePooling2d({ name }), x),
  dense: ({ name, output }, apply, x) => apply(keras.dense({ name, units: output[2], ...zeroKernel }), x),
  dropout: ({ name, rate }, apply, x) => apply(keras.dropout({ name, rate }), x),
  // TF.js disposes of a value too early when one layer reads it twice.
  add: ({ name }, apply, x, y) =>
    x === y ? apply(keras.rescaling({ name, scale: 2 }), x) : apply(keras.add({ name }), x, y),
  multiply: ({ name, output }, apply, x, vector) =>
    apply(
      keras.multiply({ name }),
      x,
      apply(keras.reshape({ name: `${name}_reshape`, targetShape: [1, 1, output[2]] }), vector),
    ),
  zero: ({ name }, apply, x) => apply(keras.rescaling({ name, scale: 0 }), x),
  upsample: doubled,
  // `toLayersModel` applies the heads, which are two outputs.
  detections: (_layer, _apply, x) => x,
};

/** Weights of a dense layer that converts the outputs of a regression to their own units. */
const scalingWeights = ({ mean, std }: Extract<LearningTask, { readonly type: 'regression' }>): Weights =>
  new Map([
    ['numbers/kernel', { shape: [std.length, std.length], data: diagonal(std) }],
    ['numbers/bias', { shape: [mean.length], data: Float32Array.from(mean) }],
  ]);

const diagonal = (values: readonly number[]): Float32Array =>
  Float32Array.from(values.flatMap((value, i) => values.map((_, j) => (i === j ? value : 0))));

/**
 * A network as a TF.js layers model of standard Keras layers, which plain TF.js can save, load and run: images [batch,
 * height, width, channels] in float32, normalised, to the outputs [batch, outputs] of `answers`, or the maps `classes` and `boxes` of a detector. It names its layers like
 * `layersOf`; a last layer `numbers` scales the numbers of a regression. Its tensors live on the current TF.js backend; free them with `model.dispose()`.
 * @throws Error when the weights do not match the network
 */
export function toLayersModel(model: Model, task = classification): tfl.LayersModel {
  const { network, weights } = model;
  const values: Value[] = [];
  const apply: Apply = (layer, ...inputs) => {
    const output = layer.apply(inputs.length === 1 ? inputs[0] : [...inputs]);
    if (!(output instanceof tfl.SymbolicTensor)) throw new Error(`${layer.name} did not give one symbolic tensor`);
    return output;
  };
  const layers = layersOf(network);
  for (const layer of layers) {
    // A rule reads as many inputs as its kind has and ignores the others.
    const [x, y] = layer.inputs.map((i) => values[i]);
    values.push(applyRule(rules, layer, apply, x, y));
  }
  const last = values[values.length - 1];
  const end = layers[layers.length - 1];
  const scaling = task.type === 'regression' ? scalingWeights(task) : null;
  const numbers = (): Value => apply(keras.dense({ name: 'numbers', units: network.classes, ...zeroKernel }), last);
  const outputs = end.kind === 'detections' ? heads(end, apply, last) : scaling === null ? last : numbers();
  const made = tfl.model({ name: 'network', inputs: values[0], outputs });
  const resolve = weightsFrom(new Map([...weights, ...(scaling ?? [])]));
  for (const { name: own, variable } of namedWeights(made))
    tf.tidy(() => {
      // Weights of heads are stored as matrices.
      const isHead = end.kind === 'detections' && headsOf(end).some(([name]) => own === `${name}/kernel`);
      const shape = isHead ? variable.shape.slice(2) : variable.shape;
      variable.assign(tf.reshape(resolve(own, shape), variable.shape));
    });
  return made;
}

/**
 * The variables of a layers model in the order of its layers, by layer and role (`dense_1/kernel`). TF.js's own names
 * depend on what else the process has built.
 */
export function namedWeights(model: tfl.LayersModel): { readonly name: string; readonly variable: tf.Variable }[] {
  return model.layers.flatMap((layer) =>
    layer.weights.map((weight) => {
      const variable = weight.read();
      if (!(variable instanceof tf.Variable)) throw new Error(`weight ${weight.originalName} is not a variable`);
      const role = weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1);
      return { name: `${layer.name}/${role}`, variable };
    }),
  );
}
