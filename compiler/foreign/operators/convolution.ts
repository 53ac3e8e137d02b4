import * as tf from '@tensorflow/tfjs-core';
import { floatOf, intOf, intsOf, range, windowOf, type Window } from '../../graph/index.js';
import type { Call, Form } from '../call.js';
import { last, plain, reshaped, type FileValue } from '../value.js';
import type { Rule } from './rule.js';

type Pair = [number, number];
type Pads = [Pair, Pair, Pair, Pair];

/** Pads of height and width for TF.js. */
const explicit = ({ pads: [top, left, bottom, right] }: Pick<Window, 'pads'>): Pads => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

const pair = ([a, b]: readonly number[]): Pair => [a, b];

/** The window of a node over maps. */
function windowOver(call: Call, x: tf.Tensor4D, kernel?: readonly number[]): Window {
  const window = windowOf(call.node, x.shape.slice(1, 3), kernel);
  if (window?.strides.length !== 2) return call.refuse('has no window of height and width');
  if (window.pads.some((size) => size < 0)) return call.refuse('cuts off edges by negative pads');
  return window;
}

/** A filter [k, k, in, out] with zeros between its cells: TF.js has no gradient of dilated convolutions. */
function dilated(filter: tf.Tensor4D, [down, across]: readonly number[]): tf.Tensor4D {
  if (down === 1 && across === 1) return filter;
  const [height, width, inputs, outputs] = filter.shape;
  const cells = tf.reshape(filter, [height, 1, width, 1, inputs * outputs]);
  const spread = tf.pad(cells, [
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
    [0, 0],
  ]);
  const whole = tf.reshape(spread, [height * down, width * across, inputs, outputs]);
  const size = [(height - 1) * down + 1, (width - 1) * across + 1, inputs, outputs];
  return tf.slice(whole, [0, 0, 0, 0], size) as tf.Tensor4D;
}

/** A convolution of each group of channels, which TF.js lacks. Several groups at a time, with zeros between them, take longer. */
function grouped(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  groups: number,
  conv: (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const inputs: tf.Tensor4D[] = tf.split(x, groups, 3);
  const filters: tf.Tensor4D[] = tf.split(filter, groups, 3);
  return tf.concat4d(
    inputs.map((input, i) => conv(input, filters[i])),
    3,
  );
}

/** The form of a filter [out, in / groups, k, k]: [k, k, channels, multiplier] for depthwise ones, [k, k, in / groups, out] for others. */
function filterForm([outputs, inputs, ...kernel]: readonly number[], isDepthwise: boolean, channels: number): Form {
  return isDepthwise
    ? { shape: [channels, outputs / channels, ...kernel], order: [2, 3, 0, 1] }
    : { shape: [outputs, inputs, ...kernel], order: [2, 3, 1, 0] };
}

const conv: Rule = (call) => {
  const x = call.maps();
  const shape = call.shapeOf(1);
  const groups = intOf(call.node, 'group', 1);
  const channels = x.shape[3];
  if (shape.length !== 4 || shape[1] * groups !== channels)
    return call.refuse(`has filters [${shape}] in ${groups} group(s), which do not fit ${channels} channels`);
  const { kernel, strides, dilations, pads } = windowOver(call, x, shape.slice(2));
  const isDepthwise = groups > 1 && shape[1] === 1;
  const filter = call.weight(1, filterForm(shape, isDepthwise, channels)) as tf.Tensor4D;
  const padding = explicit({ pads });
  const plainConv = (images: tf.Tensor4D, weights: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2d(images, dilated(weights, dilations), pair(strides), padding);
  const convolve = (): tf.Tensor => {
    if (isDepthwise) return tf.depthwiseConv2d(x, dilated(filter, dilations), pair(strides), padding);
    if (groups > 1) return grouped(x, filter, groups, plainConv);
    // One pixel: a matrix product.
    const isVector =
      [...x.shape.slice(1, 3), ...kernel, ...strides].every((size) => size === 1) && pads.every((size) => size === 0);
    if (!isVector) return plainConv(x, filter);
    const product = tf.matMul(tf.reshape(x, [x.shape[0], channels]), tf.reshape(filter, [channels, shape[0]]));
    return tf.reshape(product, [x.shape[0], 1, 1, shape[0]]);
  };
  const y = convolve();
  return last(call.has(2) ? tf.add(y, call.weight(2)) : y);
};

const convTranspose: Rule = (call) => {
  const x = call.maps();
  const [inputs, outputs, height, width] = call.shapeOf(1);
  const { strides, dilations, pads } = windowOver(call, x, [height, width]);
  const isPlain = !('auto_pad' in call.node.attributes) && !('output_shape' in call.node.attributes);
  if (intOf(call.node, 'group', 1) !== 1 || dilations.some((step) => step !== 1) || !isPlain)
    return call.refuse('has groups, dilations or automatic pads', 'Use a plain transposed convolution.');
  const form = { shape: [inputs, outputs, height, width], order: [2, 3, 1, 0] };
  const filter = call.weight(1, form) as tf.Tensor4D;
  const extra = intsOf(call.node, 'output_padding') ?? [0, 0];
  const side = (i: 0 | 1): number =>
    (x.shape[i + 1] - 1) * strides[i] + filter.shape[i] + extra[i] - pads[i] - pads[i + 2];
  const y = tf.conv2dTranspose(x, filter, [x.shape[0], side(0), side(1), outputs], pair(strides), explicit({ pads }));
  return last(call.has(2) ? tf.add(y, call.weight(2)) : y);
};

/** Pads that a pooling which counts partial windows (`ceil_mode`) adds at the end. */
function lastWindows(call: Call, x: tf.Tensor4D, { kernel, strides, pads }: Window): readonly number[] {
  if (intOf(call.node, 'ceil_mode', 0) === 0) return [0, 0];
  return [0, 1].map((i) => {
    const size = x.shape[i + 1] + pads[i] + pads[i + 2];
    const windows = Math.ceil((size - kernel[i]) / strides[i]) + 1;
    // A window that begins in the pads does not count.
    const begins = (windows - 1) * strides[i] < x.shape[i + 1] + pads[i];
    return Math.max(0, (windows - (begins ? 1 : 2)) * strides[i] + kernel[i] - size);
  });
}

function pooledWindow(
  call: Call,
  x: tf.Tensor4D,
): { readonly window: Window; readonly padding: Pads; readonly size: Pair } {
  const window = windowOver(call, x);
  if (window.dilations.some((step) => step !== 1))
    return call.refuse('pools with dilations', 'Pool without dilations.');
  const [down, across] = lastWindows(call, x, window);
  const [top, left, bottom, right] = window.pads;
  return { window, padding: explicit({ pads: [top, left, bottom + down, right + across] }), size: pair(window.kernel) };
}

const maxPool: Rule = (call) => {
  const x = call.maps();
  const { window, padding, size } = pooledWindow(call, x);
  return last(tf.maxPool(x, size, pair(window.strides), padding));
};

const averagePool: Rule = (call) => {
  const x = call.maps();
  const { window, padding, size } = pooledWindow(call, x);
  if (intOf(call.node, 'count_include_pad', 0) === 0 || window.pads.every((pad) => pad === 0))
    return last(tf.avgPool(x, size, pair(window.strides), padding));
  // Padded zeros count in the average; zeros that ceil_mode adds do not.
  const zeros = explicit(window);
  const rest = padding.map(([, end], axis): Pair => [0, end - zeros[axis][1]]) as Pads;
  return last(tf.avgPool(tf.pad<tf.Tensor4D>(x, zeros), size, pair(window.strides), rest));
};

/** alpha A B + beta C */
const gemm: Rule = (call) => {
  const a = call.plain();
  const isTurned = intOf(call.node, 'transB', 0) === 1;
  const shape = call.shapeOf(1);
  const matrix = call.weight(1, { shape, order: isTurned ? [1, 0] : [0, 1] });
  const [alpha, beta] = [floatOf(call.node, 'alpha', 1), floatOf(call.node, 'beta', 1)];
  const product = tf.matMul(a, matrix, intOf(call.node, 'transA', 0) === 1);
  const scaled = alpha === 1 ? product : tf.mul(product, alpha);
  if (!call.has(2)) return plain(scaled);
  const bias = call.weight(2);
  return plain(tf.add(scaled, beta === 1 ? bias : tf.mul(bias, beta)));
};

/** Rows of any number of leading axes times a matrix of weights, or two computed tensors. */
const matMul: Rule = (call) => {
  const a = call.plain();
  const shape = call.shapeOf(1);
  if (a.rank < 2 || shape.length < 2) return call.refuse('multiplies vectors', 'Multiply matrices in the model.');
  if (shape.length > 2) return plain(tf.matMul(a, call.plain(1)));
  const matrix = call.weight(1) as tf.Tensor2D;
  const rows = tf.matMul(tf.reshape(a, [-1, shape[0]]), matrix);
  return reshaped(plain(rows), [...a.shape.slice(0, -1), shape[1]]);
};

const overMaps =
  (of: (x: tf.Tensor4D) => tf.Tensor): Rule =>
  (call): FileValue =>
    last(of(call.maps()));

/** x / (bias + alpha / size * the sum of squares over neighbouring channels) ^ beta */
const localResponse: Rule = (call) => {
  const x = call.maps();
  const channels = x.shape[3];
  const size = intOf(call.node, 'size', 1);
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const isNear = (from: number, to: number): boolean => from >= to - before && from <= to + after;
  const band = range(channels * channels).map((i) => (isNear(Math.floor(i / channels), i % channels) ? 1 : 0));
  const sums = tf.conv2d(tf.square(x), tf.tensor4d(band, [1, 1, channels, channels]), 1, 'valid');
  const scaled = tf.mul(sums, floatOf(call.node, 'alpha', 1e-4) / size);
  return last(tf.div(x, tf.pow(tf.add(scaled, floatOf(call.node, 'bias', 1)), floatOf(call.node, 'beta', 0.75))));
};

export const convolutionRules = {
  AveragePool: averagePool,
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  GlobalAveragePool: overMaps((x) => tf.mean(x, [1, 2], true)),
  GlobalMaxPool: overMaps((x) => tf.max(x, [1, 2], true)),
  LRN: localResponse,
  MatMul: matMul,
  MaxPool: maxPool,
} satisfies Record<string, Rule>;
