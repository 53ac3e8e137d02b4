import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { foreignNetwork, trainedOperators } from '../../../compiler/index.js';
import { integers, node, scalar, type ConstantText, type ModelText, type NodeText } from '../support/onnx-models.js';
import { classifierOf, comparing, normal } from './support.js';
import { product } from '../../../base/statistics.js';

const floats = (...dims: readonly number[]): ConstantText => [
  dims,
  normal(product(dims), dims.join()).map((x) => x / 2),
];
const positive = (size: number): ConstantText => [[size], normal(size, 'positive').map((x) => 0.5 + Math.abs(x))];

interface Case {
  readonly nodes: readonly NodeText[];
  /** Numbers of `m` for each image. Default: as many as `x` has. */
  readonly size?: number;
  readonly constants?: Readonly<Record<string, ConstantText>>;
  readonly opset?: number;
  readonly input?: ModelText['input'];
}

/** Nodes from `x` [N, 3, 8, 8] to `m`. */
const cases: Readonly<Record<string, Case>> = {
  'Conv with uneven pads': {
    nodes: [node('Conv', 'x w b', 'm', { pads: [1, 0, 2, 1], strides: [2, 1] })],
    size: 5 * 5 * 7,
    constants: { w: floats(5, 3, 3, 3), b: floats(5) },
  },
  'Conv with same padding at the end': {
    nodes: [node('Conv', 'x w', 'm', { auto_pad: 'SAME_UPPER', strides: [2, 2] })],
    size: 4 * 16,
    constants: { w: floats(4, 3, 3, 3) },
  },
  'Conv with same padding at the beginning': {
    nodes: [node('Conv', 'x w', 'm', { auto_pad: 'SAME_LOWER', strides: [2, 2] })],
    size: 4 * 16,
    constants: { w: floats(4, 3, 3, 3) },
  },
  'depthwise Conv with two filters a channel': {
    nodes: [node('Conv', 'x w', 'm', { group: 3, pads: [1, 1, 1, 1] })],
    size: 6 * 64,
    constants: { w: floats(6, 1, 3, 3) },
  },
  'Conv in groups': {
    nodes: [node('Concat', 'x x', 'c', { axis: 1 }), node('Conv', 'c w b', 'm', { group: 2, pads: [1, 1, 1, 1] })],
    size: 4 * 64,
    constants: { w: floats(4, 3, 3, 3), b: floats(4) },
  },
  'dilated Conv': {
    nodes: [node('Conv', 'x w', 'm', { dilations: [2, 1], pads: [2, 1, 2, 1] })],
    size: 4 * 64,
    constants: { w: floats(4, 3, 3, 3) },
  },
  'dilated depthwise Conv': {
    nodes: [node('Conv', 'x w', 'm', { dilations: [2, 2], group: 3, pads: [2, 2, 2, 2] })],
    size: 3 * 64,
    constants: { w: floats(3, 1, 3, 3) },
  },
  'Conv of one pixel': {
    nodes: [node('GlobalAveragePool', 'x', 'p'), node('Conv', 'p w b', 'm')],
    size: 5,
    constants: { w: floats(5, 3, 1, 1), b: floats(5) },
  },
  'squeeze and excitation': {
    nodes: [
      node('GlobalAveragePool', 'x', 'p'),
      node('Conv', 'p w b', 'q'),
      node('HardSigmoid', 'q', 'g', { alpha: { float: 1 / 6 } }),
      node('Mul', 'g x', 'm'),
    ],
    constants: { w: floats(3, 3, 1, 1), b: floats(3) },
  },
  ConvTranspose: {
    nodes: [node('ConvTranspose', 'x w b', 'm', { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] })],
    size: 2 * 256,
    constants: { w: floats(3, 2, 3, 3), b: floats(2) },
  },
  'MaxPool with partial windows': {
    nodes: [node('MaxPool', 'x', 'm', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })],
    size: 3 * 16,
  },
  'AveragePool whose zeros count': {
    nodes: [
      node('AveragePool', 'x', 'm', {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        count_include_pad: 1,
      }),
    ],
    size: 3 * 16,
  },
  'AveragePool whose zeros do not count': {
    nodes: [node('AveragePool', 'x', 'm', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
    size: 3 * 16,
  },
  GlobalMaxPool: { nodes: [node('GlobalMaxPool', 'x', 'm')], size: 3 },
  'BatchNormalization of maps': {
    nodes: [node('BatchNormalization', 'x s b u v', 'm', { epsilon: { float: 1e-3 } })],
    constants: { s: positive(3), b: floats(3), u: floats(3), v: positive(3) },
  },
  'BatchNormalization of vectors': {
    nodes: [node('Flatten', 'x', 'f'), node('BatchNormalization', 'f s b u v', 'm')],
    constants: { s: positive(192), b: floats(192), u: floats(192), v: positive(192) },
  },
  'BatchNormalization of rows': {
    nodes: [node('Reshape', 'x r', 'f'), node('BatchNormalization', 'f s b u v', 'm')],
    constants: { r: integers(0, 3, 64), s: positive(3), b: floats(3), u: floats(3), v: positive(3) },
  },
  InstanceNormalization: {
    nodes: [node('InstanceNormalization', 'x s b', 'm')],
    constants: { s: positive(3), b: floats(3) },
  },
  'group normalisation, as PyTorch spells it': {
    nodes: [
      node('Reshape', 'x r', 'f'),
      node('InstanceNormalization', 'f one zero', 'g'),
      node('Shape', 'x', 'z'),
      node('Reshape', 'g z', 'h'),
      node('Mul', 'h s', 'i'),
      node('Add', 'i b', 'm'),
    ],
    constants: {
      ...{ r: integers(0, 3, -1), one: [[3], Float32Array.of(1, 1, 1)], zero: [[3], new Float32Array(3)] },
      ...{ s: floats(3, 1, 1), b: floats(3, 1, 1) },
    },
  },
  GroupNormalization: {
    nodes: [
      node('Concat', 'x x', 'c', { axis: 1 }),
      node('GroupNormalization', 'c s b', 'm', { num_groups: 2, epsilon: { float: 1e-3 } }),
    ],
    size: 384,
    constants: { s: positive(6), b: floats(6) },
    opset: 21,
  },
  'LayerNormalization over channels': {
    nodes: [
      node('Transpose', 'x', 't', { perm: [0, 2, 3, 1] }),
      node('LayerNormalization', 't s b', 'l', { axis: -1 }),
      node('MatMul', 'l w', 'k'),
      node('Add', 'v k', 'a'),
      node('Transpose', 'a', 'm', { perm: [0, 3, 1, 2] }),
    ],
    size: 5 * 64,
    constants: { s: positive(3), b: floats(3), w: floats(3, 5), v: floats(5) },
  },
  LRN: { nodes: [node('LRN', 'x', 'm', { size: 3, alpha: { float: 0.1 }, bias: { float: 2 } })] },
  LpNormalization: { nodes: [node('LpNormalization', 'x', 'm', { axis: 1 })] },
  'Clip by attributes': {
    nodes: [node('Clip', 'x', 'm', { min: { float: -0.5 }, max: { float: 0.7 } })],
    opset: 9,
  },
  'Clip with one bound': { nodes: [node('Clip', 'x low', 'm')], constants: { low: scalar(-0.3) } },
  PRelu: { nodes: [node('PRelu', 'x s', 'm')], constants: { s: floats(3, 1, 1) } },
  'Gelu of opset 20': { nodes: [node('Gelu', 'x', 'm')], opset: 20 },
  'Gelu by tanh': { nodes: [node('Gelu', 'x', 'm', { approximate: 'tanh' })], opset: 20 },
  'Gelu as PyTorch spells it': {
    nodes: [
      node('Div', 'x root', 'd'),
      node('Erf', 'd', 'e'),
      node('Add', 'e one', 'f'),
      node('Mul', 'x f', 'g'),
      node('Mul', 'g half', 'm'),
    ],
    constants: { root: scalar(Math.SQRT2), one: scalar(1), half: scalar(0.5) },
  },
  'powers and roots': {
    nodes: [
      node('Abs', 'x', 'a'),
      node('Add', 'a one', 'b'),
      node('Pow', 'b three', 'c'),
      node('Pow', 'c odd', 'd'),
      node('Sqrt', 'd', 'e'),
      node('Log', 'e', 'f'),
      node('Reciprocal', 'b', 'g'),
      node('Sub', 'f g', 'm'),
    ],
    constants: { one: scalar(1), three: scalar(3), odd: scalar(0.7) },
  },
  'several operands': {
    nodes: [
      node('Neg', 'x', 'n'),
      node('Exp', 'n', 'e'),
      node('Sum', 'x n e', 's'),
      node('Mean', 's x', 'a'),
      node('Max', 'a n', 'b'),
      node('Min', 'b e', 'm'),
    ],
  },
  'Concat, Split and Slice': {
    nodes: [
      node('Concat', 'x x', 'c', { axis: -1 }),
      node('Split', 'c parts', 'p q', { axis: 3 }),
      node('Slice', 'q from to along', 's'),
      node('Concat', 'p s', 'd', { axis: 3 }),
      node('Relu', 'd', 'm'),
    ],
    size: 3 * 8 * 11,
    constants: { parts: integers(5, 11), from: integers(-6), to: integers(2 ** 40), along: integers(-1) },
  },
  'Slice by steps': {
    nodes: [node('Slice', 'x from to along steps', 'm')],
    size: 3 * 4 * 3,
    constants: { from: integers(1, 0), to: integers(8, 8), along: integers(2, 3), steps: integers(2, 3) },
  },
  'Slice by attributes': {
    nodes: [node('Slice', 'x', 'm', { starts: [1, 2], ends: [3, 7], axes: [1, 3] })],
    size: 2 * 8 * 5,
    opset: 9,
  },
  'Pad by attributes': {
    nodes: [node('Pad', 'x', 'm', { pads: [0, 0, 1, 2, 0, 1, 0, 3], value: { float: 0.5 } })],
    size: 4 * 9 * 13,
    opset: 9,
  },
  'Pad with zeros': {
    nodes: [node('Pad', 'x pads', 'm')],
    size: 3 * 9 * 10,
    constants: { pads: integers(0, 0, 1, 0, 0, 0, 0, 2) },
  },
  'channel shuffle': {
    nodes: [
      node('Concat', 'x x', 'c', { axis: 1 }),
      node('Shape', 'c', 'shape'),
      node('Gather', 'shape zero', 'n'),
      node('Concat', 'n rest', 'five', { axis: 0 }),
      node('Reshape', 'c five', 'r'),
      node('Transpose', 'r', 't', { perm: [0, 2, 1, 3, 4] }),
      node('Reshape', 't four', 's'),
      node('Relu', 's', 'm'),
    ],
    size: 384,
    constants: { zero: integers(0), rest: integers(2, 3, 8, 8), four: integers(-1, 6, 8, 8) },
  },
  'Squeeze and Unsqueeze by attributes': {
    nodes: [
      node('ReduceMean', 'x', 'r', { axes: [2], keepdims: 1 }),
      node('Squeeze', 'r', 's', { axes: [2] }),
      node('Unsqueeze', 's', 'm', { axes: [-1] }),
    ],
    size: 24,
    opset: 11,
  },
  'Squeeze and Unsqueeze': {
    nodes: [node('GlobalAveragePool', 'x', 'p'), node('Squeeze', 'p', 's'), node('Unsqueeze', 's two', 'm')],
    size: 3,
    constants: { two: integers(2) },
  },
  'Gather of one row and of some channels': {
    nodes: [node('Gather', 'x row', 'r', { axis: 2 }), node('Gather', 'r channels', 'm', { axis: 1 })],
    size: 16,
    constants: { row: [[], BigInt64Array.of(-2n)], channels: integers(2, 0) },
  },
  'a token for each image': {
    nodes: [
      node('Reshape', 'x three', 'r'),
      node('Shape', 'x', 'shape'),
      node('Gather', 'shape zero', 'n'),
      node('Concat', 'n one_row', 'to', { axis: 0 }),
      node('Expand', 'token to', 'e'),
      node('Concat', 'e r', 'm', { axis: 1 }),
    ],
    size: 13 * 16,
    constants: { three: integers(0, 12, 16), zero: integers(0), one_row: integers(1, 16), token: floats(1, 1, 16) },
  },
  attention: {
    nodes: [
      node('Reshape', 'x three', 'r'),
      node('Transpose', 'r', 'k', { perm: [0, 2, 1] }),
      node('MatMul', 'k r', 'a'),
      node('Mul', 'a small', 'b'),
      node('Softmax', 'b', 's', { axis: -1 }),
      node('MatMul', 'r s', 'm'),
    ],
    constants: { three: integers(0, 3, 64), small: scalar(0.1) },
  },
  'reductions that keep their axes': {
    nodes: [
      node('ReduceMax', 'x', 'a', { axes: [1], keepdims: 1 }),
      node('ReduceMin', 'x', 'b', { axes: [-1], keepdims: 1 }),
      node('Add', 'a b', 'c'),
      node('ReduceL2', 'x', 'd', { axes: [2, 3] }),
      node('Mul', 'c d', 'm'),
    ],
  },
  'reductions that drop their axes': {
    nodes: [
      node('ReduceSum', 'x axes', 'a', { keepdims: 0 }),
      node('ReduceSumSquare', 'x', 'b', { axes: [1], keepdims: 0 }),
      node('MatMul', 'a b', 'm'),
    ],
    size: 24,
    constants: { axes: integers(3) },
  },
  'Resize bilinearly by factors': {
    nodes: [node('Resize', 'x _ scales', 'm', { mode: 'linear' })],
    size: 3 * 256,
    constants: { scales: [[4], Float32Array.of(1, 1, 2, 2)] },
  },
  'Resize to a size with aligned corners': {
    nodes: [node('Resize', 'x _ _ sizes', 'm', { mode: 'linear', coordinate_transformation_mode: 'align_corners' })],
    size: 3 * 55,
    constants: { sizes: integers(1, 3, 5, 11) },
    input: [1, 3, 8, 8],
  },
  'Resize to the nearest pixel': {
    nodes: [node('Resize', 'x _ scales', 'm', { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })],
    size: 3 * 256,
    constants: { scales: [[4], Float32Array.of(1, 1, 2, 2)] },
  },
  Upsample: {
    nodes: [node('Upsample', 'x scales', 'm')],
    size: 3 * 256,
    constants: { scales: [[4], Float32Array.of(1, 1, 2, 2)] },
    opset: 9,
  },
  'Softmax of opset 11, along all axes from the channels on': {
    nodes: [node('Softmax', 'x', 'm')],
    opset: 11,
  },
  'Softmax along rows': { nodes: [node('LogSoftmax', 'x', 'm', { axis: 2 })] },
  'Flatten behind the maps': {
    nodes: [node('Relu', 'x', 'a'), node('Flatten', 'a', 'b'), node('Reshape', 'b shape', 'm')],
    constants: { shape: integers(0, 8, 24) },
  },
  'maps with channels last': {
    nodes: [
      node('Transpose', 'x', 't', { perm: [0, 3, 1, 2] }),
      node('Conv', 't w', 'c', { pads: [1, 1, 1, 1] }),
      node('Transpose', 'c', 'm', { perm: [0, 2, 3, 1] }),
    ],
    size: 4 * 64,
    constants: { w: floats(4, 3, 3, 3) },
    input: ['N', 8, 8, 3],
  },
  ...Object.fromEntries(
    [
      ...['Celu', 'Dropout', 'Elu', 'Erf', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'Mish', 'Selu'],
      ...['Sigmoid', 'Softplus', 'Softsign', 'Tanh'],
    ].map((op) => [op, { nodes: [node(op, 'x', 'm')], opset: 18 }]),
  ),
  'Elu and Celu with a factor': {
    nodes: [node('Elu', 'x', 'a', { alpha: { float: 0.5 } }), node('Celu', 'a', 'm', { alpha: { float: 0.3 } })],
  },
  'Cast of float32': { nodes: [node('Cast', 'x', 'm', { to: 1 })] },
};

/** The classes that a file gives for images, and the derivative of a weighted sum of logits along a random change of all weights. */
function derivatives(file: Uint8Array): {
  readonly analytic: number;
  readonly numeric: number;
  readonly missing: string[];
} {
  const network = foreignNetwork(file);
  const [height, width, channels] = network.input;
  const trained = network.weights.filter(({ isTrainable }) => isTrainable);
  const tensors = trained.map(({ data, shape }) => tf.tensor(data, [...shape]));
  const fixed = new Map(network.weights.map(({ name, data, shape }) => [name, tf.tensor(data, [...shape])]));
  const images = tf.tensor(normal(2 * height * width * channels, 'images'), [2, height, width, channels]);
  const weighting = tf.tensor(normal(8, 'weighting'), [2, 4]);
  const loss = (...values: tf.Tensor[]): tf.Scalar => {
    const table = new Map([...fixed, ...trained.map(({ name }, i) => [name, values[i]] as const)]);
    const weights = (name: string): tf.Tensor => table.get(name) ?? tf.scalar(NaN);
    const { logits } = network.apply(weights, images, { training: true, frozenNorms: true });
    return tf.sum(tf.mul(logits, weighting));
  };
  const directions = tensors.map((tensor, i) => tf.tensor(normal(tensor.size, `direction ${i}`), tensor.shape));
  const gradients = tf.grads(loss)(tensors);
  const along = tf.addN(gradients.map((gradient, i) => tf.sum(tf.mul(gradient, directions[i]))));
  const step = 1e-2;
  const at = (sign: number): number =>
    loss(...tensors.map((tensor, i) => tf.add(tensor, tf.mul(directions[i], sign * step)))).dataSync()[0];
  return {
    analytic: along.dataSync()[0],
    numeric: (at(1) - at(-1)) / (2 * step),
    missing: trained.filter((_, i) => !gradients[i].dataSync().some((value) => value !== 0)).map(({ name }) => name),
  };
}

describe('operators of other programs', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it.each(Object.entries(cases))('%s: the logits of ONNX Runtime', async (_, { nodes, size = 192, ...more }) => {
    const file = classifierOf(nodes, size, more);
    const batch = typeof more.input?.[0] === 'number' ? 1 : 2;
    const { distance } = await comparing(file, batch);
    expect(distance).toBeLessThan(1e-4);
  });

  it.each(Object.entries(cases).filter(([name]) => name !== 'Dropout'))(
    '%s: gradients of all weights are derivatives',
    (_, { nodes, size = 192, ...more }) => {
      tf.tidy(() => {
        const { analytic, numeric, missing } = derivatives(classifierOf(nodes, size, more));
        expect(missing).toEqual([]);
        expect(Math.abs(analytic - numeric)).toBeLessThan(2e-2 * Math.max(1, Math.abs(numeric)));
      });
    },
  );

  it('are all in the cases', () => {
    const used = new Set(Object.values(cases).flatMap(({ nodes }) => nodes.map(({ op }) => op)));
    expect(trainedOperators.filter((op) => !used.has(op) && !['Gemm', 'Flatten'].includes(op))).toEqual([]);
  });
});
