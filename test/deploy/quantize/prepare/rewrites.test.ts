import { describe, expect, it } from 'vitest';
import {
  integers,
  modelOf,
  node,
  scalar,
  type ModelText,
  type NodeText,
} from '../../../compiler/support/onnx-models.js';
import { preparing } from '../support/run.js';

const wave = (size: number, at = 0) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + at));
const positive = (size: number) => wave(size).map((value) => 1 + Math.abs(value));

/** Constants of the test files; `x` is [N, 3, 8, 8]. */
const constants: NonNullable<ModelText['constants']> = {
  w: [[4, 3, 3, 3], wave(108)],
  wide: [[144, 5], wave(720)],
  b: [[4], wave(4)],
  byChannel: [[1, 4, 1, 1], positive(4)],
  byColour: [[3], positive(3)],
  lastPads: integers(0, 0, 0, 0, 0, 1, 1, 0),
  zero: scalar(0),
  one: scalar(1),
  two: scalar(2),
  six: scalar(6),
  sixth: scalar(1 / 6),
  half: scalar(0.5),
  most: scalar(3.4028234663852886e38),
  pads: integers(0, 0, 1, 1, 0, 0, 1, 1),
  noPads: integers(0, 0, 0, 0, 0, 0, 0, 0),
  channelPads: integers(0, 1, 0, 0, 0, 1, 0, 0),
  first: integers(0),
  second: integers(1),
  third: integers(2),
  end: integers(9),
  int32: [[1], Int32Array.of(-1)],
};

const conv = node('Conv', 'x w b', 'c');

type Row = readonly [what: string, nodes: readonly NodeText[], operators: readonly string[]];

/** Rare forms, forms that resemble a rewritten one but must stay, and the operators after preparation. */
const rewrites: readonly Row[] = [
  [
    'a Constant node',
    [node('Constant', '', 'k', { value_float: { float: 2 } }), conv, node('Mul', 'c k', 'y')],
    ['Conv'],
  ],
  [
    'sums with 0, products with 1, pads of nothing',
    [
      conv,
      node('Add', 'c zero', 'a'),
      node('Mul', 'one a', 'm1'),
      node('Pad', 'm1 noPads', 'p'),
      node('Relu', 'p', 'y'),
    ],
    ['Conv', 'Relu'],
  ],
  [
    'a factor of a convolution with other readers',
    [conv, node('Mul', 'c byChannel', 'm1'), node('Add', 'm1 c', 'y')],
    ['Add', 'Conv', 'Mul'],
  ],
  [
    'images with channels last that are scaled and padded before they are turned',
    [
      node('Transpose', 'x', 'last', { perm: [0, 2, 3, 1] }),
      node('Mul', 'last byColour', 'm1'),
      node('Sub', 'm1 one', 's'),
      node('Pad', 's lastPads', 'p'),
      node('Transpose', 'p', 't', { perm: [0, 3, 1, 2] }),
      node('Conv', 't w b', 'y'),
    ],
    ['Add', 'Conv', 'Mul'],
  ],
  ['a number minus an image', [conv, node('Sub', 'one c', 's'), node('Relu', 's', 'y')], ['Conv', 'Relu', 'Sub']],
  ['Clip of Relu', [conv, node('Relu', 'c', 'r'), node('Clip', 'r _ six', 'y')], ['Clip', 'Conv']],
  ['Clip without an upper end', [conv, node('Clip', 'c zero most', 'y')], ['Conv', 'Relu']],
  [
    'hard sigmoid by Mul, Add and Clip',
    [conv, node('Mul', 'c sixth', 's'), node('Add', 's half', 'a'), node('Clip', 'a zero one', 'y')],
    ['Conv', 'HardSigmoid'],
  ],
  [
    'pads before a convolution that pads itself',
    [node('Pad', 'x pads', 'p'), node('Conv', 'p w b', 'y', { auto_pad: 'SAME_UPPER', strides: [2, 2] })],
    ['Conv'],
  ],
  [
    'pads before a mean that does not count its own',
    [conv, node('Pad', 'c pads', 'p'), node('AveragePool', 'p', 'y', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
    ['AveragePool', 'Conv', 'Pad'],
  ],
  ['pads of channels', [conv, node('Pad', 'c channelPads', 'y')], ['Conv', 'Pad']],
  ['a mean of channels', [conv, node('ReduceMean', 'c', 'y', { axes: [1] })], ['Conv', 'ReduceMean']],
  [
    'a pooling of the whole image',
    [conv, node('AveragePool', 'c', 'p', { kernel_shape: [6, 6] }), node('Flatten', 'p', 'y')],
    ['Conv', 'Flatten', 'GlobalAveragePool'],
  ],
  [
    'transposes that undo each other',
    [
      conv,
      node('Transpose', 'c', 't', { perm: [0, 2, 3, 1] }),
      node('Relu', 't', 'r'),
      node('Transpose', 't', 'u', { perm: [0, 3, 1, 2] }),
      node('Relu', 'u', 'y'),
    ],
    ['Conv', 'Relu'],
  ],
  [
    'a reshape to extents that are computed in 32 bits',
    [
      conv,
      node('Shape', 'c', 's'),
      node('Cast', 's', 's32', { to: 6 }),
      node('Gather', 's32 first', 'n'),
      node('Concat', 'n int32', 't', { axis: 0 }),
      node('Cast', 't', 't64', { to: 7 }),
      node('Reshape', 'c t64', 'f'),
      node('MatMul', 'f wide', 'y'),
    ],
    ['Conv', 'Conv', 'Flatten'],
  ],
  [
    'extents that are computed in floats',
    [
      conv,
      node('Shape', 'c', 's'),
      node('Slice', 's third end', 'e'),
      node('Cast', 'e', 'f', { to: 1 }),
      node('Mul', 'f two', 'd'),
      node('Cast', 'd', 'i', { to: 7 }),
      node('Slice', 's first third', 'batch'),
      node('Concat', 'batch i', 't', { axis: 0 }),
      node('Resize', 'c _ _ t', 'y'),
    ],
    ['Cast', 'Cast', 'Concat', 'Conv', 'Mul', 'Resize', 'Shape', 'Slice'],
  ],
  [
    'extents of 32 bits of which one is open',
    [
      conv,
      node('Shape', 'c', 's'),
      node('Cast', 's', 's32', { to: 6 }),
      node('Slice', 's32 first second', 'n'),
      node('Slice', 's32 second end', 'r'),
      node('Concat', 'n r', 't', { axis: 0 }),
      node('Cast', 't', 't64', { to: 7 }),
      node('Expand', 'byChannel t64', 'e'),
      node('Add', 'c e', 'y'),
    ],
    ['Add', 'Cast', 'Cast', 'Concat', 'Conv', 'Expand', 'Shape', 'Slice', 'Slice'],
  ],
];

describe('rewrites of rare and similar forms', () => {
  it.each(rewrites)('computes the same when prepared: %s', async (_, nodes, operators) => {
    const file = modelOf({ constants, nodes });
    const { difference, operators: found } = await preparing(file);
    expect(difference).toBeLessThan(1e-5);
    expect(Object.entries(found).flatMap(([name, count]) => Array<string>(count).fill(name))).toEqual(operators);
  });
});
