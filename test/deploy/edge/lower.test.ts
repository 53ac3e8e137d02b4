import { describe, expect, it } from 'vitest';
import { lowerOnnx, type LowerOptions } from '../../../deploy/edge/lower.js';
import { withMetadata } from '../../../deploy/metadata.js';
import {
  bytesOfModel,
  integers,
  node,
  scalar,
  type ConstantText,
  type ModelText,
  type NodeText,
} from '../../compiler/support/onnx-models.js';
import { int8Of, noiseImages } from './support/agreement.js';
import { product } from '../../../base/statistics.js';

const filled = (...dims: readonly number[]): ConstantText => [
  dims,
  Float32Array.from({ length: product(dims) }, (_, i) => ((i * 7) % 11) / 11 - 0.4),
];

const constants: NonNullable<ModelText['constants']> = {
  w: filled(4, 3, 3, 3),
  v: filled(4, 4, 1, 1),
  deep: filled(8, 1, 3, 3),
  pairs: filled(4, 2, 1, 1),
  b: filled(4),
  dense: filled(4, 5),
  zero: scalar(0),
  one: scalar(1),
  five: scalar(5),
  six: scalar(6),
  channels: filled(4, 1, 1),
  corners: integers(0, 0, 1, 1, 0, 0, 0, 0),
  groups: integers(0, 2, 2, 6, 6),
  image: integers(0, 4, 6, 6),
  rows: integers(0, 6, 4, 6),
};

/** A file: a convolution that makes `c` [N, 4, 6, 6] of the images, these nodes, and classes of the last one's mean. */
function fileOf(nodes: readonly NodeText[], more: Partial<ModelText> = {}): Uint8Array {
  const last = nodes.at(-1)?.output[0] ?? 'c';
  const all = [
    node('Conv', 'x w b', 'c', { pads: [1, 1, 1, 1] }),
    ...nodes,
    node('GlobalAveragePool', last, 'mean'),
    node('Flatten', 'mean', 'vector'),
    node('MatMul', 'vector dense', 'y'),
  ];
  return bytesOfModel({ constants, nodes: all, input: ['N', 3, 6, 6], ...more });
}

const lowered = (nodes: readonly NodeText[], options?: LowerOptions) => lowerOnnx(fileOf(nodes), 'net.onnx', options);

/** The operators between the first convolution and the mean. */
const between = (...nodes: readonly NodeText[]) =>
  lowered(nodes)
    .operators.slice(1)
    .filter(({ label }) => !['the mean', 'the y', 'y'].includes(label));

const gate = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };

describe('a program of a float file', () => {
  it('takes one image with channels last, whatever the file takes', () => {
    const program = lowered([]);
    expect(program.tensors[program.input]).toMatchObject({ shape: [1, 6, 6, 3], element: 'float32' });
    expect(program.tensors[program.outputs[0]]).toMatchObject({ shape: [1, 5], element: 'float32' });
    expect(program.operators.map(({ op }) => op)).toEqual(['conv', 'mean', 'conv', 'reshape']);
    const [conv] = program.operators;
    expect(conv).toMatchObject({ padding: { top: 1, left: 1, bottom: 1, right: 1 }, groups: 1 });
    const weights = program.tensors[conv.inputs[1]];
    expect(weights.shape).toEqual([4, 3, 3, 3]);
    // [out, in, row, column] becomes [out, row, column, in].
    expect(weights.data?.[1]).toBe(constants.w[1][9]);
  });

  it.each([
    ['relu', [node('Relu', 'c', 't')], 'relu'],
    ['relu6', [node('Clip', 'c zero six', 't')], 'relu6'],
  ])('clips in the operator before: %s', (_, nodes, clip) => {
    expect(lowered(nodes).operators[0]).toMatchObject({ op: 'conv', clip });
    expect(between(...nodes)).toEqual([]);
  });

  it('keeps an activation apart where others read its input', () => {
    const nodes = [node('Relu', 'c', 't'), node('Add', 't c', 's')];
    expect(between(...nodes)).toMatchObject([{ op: 'elementwise', function: { name: 'relu' } }, { op: 'add' }]);
  });

  it('has one function for hard swish, and two operators for swish', () => {
    const hard = [node('HardSigmoid', 'c', 'g', gate), node('Mul', 'g c', 't')];
    expect(between(...hard)).toMatchObject([{ op: 'elementwise', function: { name: 'hard-swish' } }]);
    const swish = [node('Sigmoid', 'c', 'g'), node('Mul', 'g c', 't')];
    expect(between(...swish)).toMatchObject([{ function: { name: 'sigmoid' } }, { op: 'mul' }]);
  });

  it('has one shuffle for channels in groups that are transposed, and nothing for other moves', () => {
    const shuffle = [
      node('Reshape', 'c groups', 'r'),
      node('Transpose', 'r', 's', { perm: [0, 2, 1, 3, 4] }),
      node('Reshape', 's image', 't'),
      node('Conv', 't pairs', 'u', { group: 2 }),
    ];
    expect(between(...shuffle)).toMatchObject([
      { op: 'shuffle', groups: 2 },
      { op: 'conv', groups: 2 },
    ]);
    const turned = [
      node('Transpose', 'c', 's', { perm: [0, 2, 3, 1] }),
      node('Transpose', 's', 't', { perm: [0, 3, 1, 2] }),
    ];
    expect(between(...turned)).toEqual([]);
  });

  it('takes images of files with channels last as they are, and ends in the probabilities of a softmax', () => {
    const nodes = [
      node('Transpose', 'x', 'turned', { perm: [0, 3, 1, 2] }),
      node('Conv', 'turned w b', 'c', { strides: [2, 2] }),
      node('GlobalAveragePool', 'c', 'mean'),
      node('Flatten', 'mean', 'vector'),
      node('MatMul', 'vector dense', 'y'),
      node('Softmax', 'y', 'p'),
    ];
    const model = bytesOfModel({ constants, nodes, input: ['N', 6, 8, 3], output: 'p' });
    const program = lowerOnnx(model, 'net.onnx');
    expect(program.tensors[program.input].shape).toEqual([1, 6, 8, 3]);
    expect(program.operators.map(({ op }) => op)).toEqual(['conv', 'mean', 'conv', 'softmax', 'reshape']);
  });

  it('has depthwise convolutions with several results a channel, and adds constants', () => {
    const nodes = [node('Conv', 'c deep', 'd', { group: 4 })];
    const [depthwise] = lowerOnnx(
      fileOf(nodes, { constants: { ...constants, dense: filled(8, 5) } }),
      'net',
    ).operators.slice(1);
    expect(depthwise).toMatchObject({ op: 'depthwise', multiplier: 2 });
    expect(between(node('Relu', 'c', 'r'), node('Add', 'r one', 't'))).toMatchObject([{ op: 'add' }]);
  });

  it.each([
    ['an operator that no program has', [node('Elu', 'c', 't')], /net.onnx: layer 'the t' \(Elu\) is an operator/],
    ['other bounds', [node('Clip', 'c zero five', 't')], /layer 'the t' \(Clip\) clips to \[0,5\]/],
    [
      'a hard sigmoid of another slope',
      [node('HardSigmoid', 'c', 't')],
      /layer 'the t' \(HardSigmoid\) is a hard sigmoid of another slope/,
    ],
    [
      'moves between rows and channels',
      [node('Transpose', 'c', 's', { perm: [0, 2, 1, 3] }), node('Reshape', 's image', 'r'), node('Conv', 'r v', 't')],
      /layer 'the r' \(Reshape\) moves numbers between rows, columns and channels/,
    ],
    [
      'partial windows',
      [node('MaxPool', 'c', 't', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })],
      /layer 'the t' \(MaxPool\) counts partial windows/,
    ],
  ])('is refused for %s, naming the layer', (_, nodes, message) => {
    expect(() => lowered(nodes)).toThrow(message);
  });

  it('is refused for a fixed batch, for open sizes, and for bytes at its ends', () => {
    const fixed = (input: NonNullable<ModelText['input']>) => () => lowerOnnx(fileOf([], { input }), 'net.onnx');
    expect(fixed([8, 3, 6, 6])).toThrow('net.onnx takes 8 images at once');
    expect(fixed(['N', 3, 'H', 'W'])).toThrow('of no fixed size');
    expect(() => lowered([], { io: 'int8' })).toThrow('net.onnx computes in float32');
  });
});

describe('a program of an int8 file', () => {
  const images = noiseImages([4, 3, 6, 6]);
  const nodes = [
    node('HardSigmoid', 'c', 'g', gate),
    node('Mul', 'g c', 'h'),
    node('Conv', 'h v b', 'd'),
    node('Relu', 'd', 't'),
  ];

  it('has signed bytes, the scales of the file, and floats or bytes at its ends', async () => {
    const model = await int8Of(fileOf(nodes), images);
    const float = lowerOnnx(model, 'int8.onnx');
    expect(float.operators.map(({ op }) => op)).toEqual([
      ...['quantize', 'conv', 'elementwise', 'conv', 'mean', 'conv', 'reshape', 'dequantize'],
    ]);
    const bytes = lowerOnnx(model, 'int8.onnx', { io: 'int8' });
    expect(bytes.operators.map(({ op }) => op)).toEqual(float.operators.slice(1, -1).map(({ op }) => op));
    expect([bytes.input, bytes.outputs[0]].map((id) => bytes.tensors[id].element)).toEqual(['int8', 'int8']);
    const [conv] = bytes.operators;
    const [image, weights, bias] = conv.inputs.map((id) => bytes.tensors[id]);
    expect([weights.element, bias.element]).toEqual(['int8', 'int32']);
    expect(weights.quantization).toMatchObject({ zero: 0, axis: 0 });
    const scale = image.quantization?.scales[0] ?? NaN;
    expect(bias.quantization?.scales).toEqual(weights.quantization?.scales.map((one) => scale * one));
    // A relu that the convolution before saturates at: its zero is the least byte.
    expect(bytes.tensors[bytes.operators[2].output].quantization?.zero).toBe(-128);
  });

  it('takes bytes also where the file turns its images first', async () => {
    const turned = [
      node('Transpose', 'x', 'turned', { perm: [0, 3, 1, 2] }),
      node('Conv', 'turned w b', 'c'),
      node('GlobalAveragePool', 'c', 'mean'),
      node('Flatten', 'mean', 'vector'),
      node('MatMul', 'vector dense', 'y'),
    ];
    const file = bytesOfModel({ constants, nodes: turned, input: ['N', 6, 6, 3] });
    const model = await int8Of(file, noiseImages([4, 6, 6, 3]));
    const program = lowerOnnx(model, 'int8.onnx', { io: 'int8' });
    expect(program.tensors[program.input]).toMatchObject({ shape: [1, 6, 6, 3], element: 'int8' });
    expect(program.operators.map(({ op }) => op)).toEqual(['conv', 'mean', 'conv', 'reshape']);
  });

  it('needs the range of the outputs', async () => {
    const model = await int8Of(fileOf(nodes), images);
    const without = Buffer.from(model);
    without.write('other', without.indexOf('output_range'));
    expect(() => lowerOnnx(without, 'without.onnx')).toThrow(/layer 'the y' \(Gemm\) computes the outputs in float32/);
    // Metadata that are written later keep the range.
    expect(() => lowerOnnx(withMetadata(model, { layout: 'NCHW' }), 'int8.onnx')).not.toThrow();
  });
});
