import { describe, expect, it } from 'vitest';
import { encodeRead, parseOnnx } from '../../../../compiler/index.js';
import { product } from '../../../../base/statistics.js';
import {
  modelOf,
  node,
  number,
  whole,
  type ConstantText,
  type NodeText,
} from '../../../compiler/support/onnx-models.js';
import { noise, preparing } from '../support/run.js';

const floats = (dims: readonly number[], seed = 1): ConstantText => [dims, noise(product(dims), seed)];

/** Constants of all models; each file holds them all. `x` is [N, 3, 8, 8]. */
const constants: Readonly<Record<string, ConstantText>> = {
  w: floats([4, 3, 3, 3]),
  b: floats([4], 2),
  gamma: floats([4], 3),
  beta: floats([4], 4),
  mean: floats([4], 5),
  variance: [[4], Float32Array.of(0.5, 1, 2, 0.1)],
  dense: floats([4, 5], 6),
  turned: floats([5, 4], 7),
  wide: floats([144, 5], 8),
  bias: floats([5], 9),
  channels: floats([1, 4, 1, 1], 10),
  three: number(3),
  zero: number(0),
  six: number(6),
  sixth: number(1 / 6),
  inverse: number(0.5),
  around: whole(0, 0, 1, 1, 0, 0, 1, 1),
  ends: whole(2, 3),
  vector: whole(0, -1),
  pixel: whole(0, 0, 1, 1),
  unit: number(1),
  two: number(2),
  most: number(3.4028234663852886e38),
  noPads: whole(0, 0, 0, 0, 0, 0, 0, 0),
  inChannels: whole(0, 1, 0, 0, 0, 1, 0, 0),
  first: whole(0),
  second: whole(1),
  third: whole(2),
  end: whole(9),
  minus: whole(-1),
  int32: [[1], Int32Array.of(-1)],
};
const conv = node('Conv', 'x w b', 'c');
/** `clip(c + 3, 0, 6)` of a convolution. */
const ramp = (sum = 'c three') => [conv, node('Add', sum, 'a'), node('Clip', 'a zero six', 'k')];
const pooled = (from: string) => [node('GlobalAveragePool', from, 'p'), node('Flatten', 'p', 'y')];
const prepared = (nodes: readonly NodeText[], opset = 17) => preparing(modelOf({ nodes, constants, opset }));

const vectorEnd = { GlobalAveragePool: 1, Flatten: 1 };
const norm = 'gamma beta mean variance';

const cases: readonly [string, readonly NodeText[], Record<string, number>][] = [
  ['batch norm', [conv, node('BatchNormalization', `c ${norm}`, 'n'), ...pooled('n')], { Conv: 1 }],
  [
    'batch norm alone',
    [conv, node('Relu', 'c', 'r'), node('BatchNormalization', `r ${norm}`, 'n'), ...pooled('n')],
    { Conv: 2, Relu: 1 },
  ],
  [
    'scale and shift by channel',
    [conv, node('Mul', 'channels c', 'm'), node('Sub', 'm channels', 's'), ...pooled('s')],
    { Conv: 1 },
  ],
  [
    'identities and dropout',
    [node('Identity', 'x', 'i'), node('Conv', 'i w b', 'c'), node('Dropout', 'c', 'd'), ...pooled('d')],
    { Conv: 1 },
  ],
  ['relu and minimum', [conv, node('Relu', 'c', 'r'), node('Min', 'r six', 'm'), ...pooled('m')], { Conv: 1, Clip: 1 }],
  ['a bound below', [conv, node('Max', 'c zero', 'm'), ...pooled('m')], { Conv: 1, Relu: 1 }],
  [
    'bounds that exclude each other',
    [conv, node('Max', 'c six', 'm'), node('Clip', 'm zero three', 'k'), ...pooled('k')],
    { Conv: 1, Clip: 2 },
  ],
  [
    'hard swish, divided at the end',
    [...ramp(), node('Mul', 'c k', 'm'), node('Div', 'm six', 'd'), ...pooled('d')],
    { Conv: 1, HardSigmoid: 1, Mul: 1 },
  ],
  [
    'hard swish, divided before',
    [...ramp('three c'), node('Mul', 'k sixth', 'g'), node('Mul', 'g c', 'm'), ...pooled('m')],
    { Conv: 1, HardSigmoid: 1, Mul: 1 },
  ],
  [
    'a ramp that ends elsewhere',
    [...ramp(), node('Mul', 'k inverse', 'm'), ...pooled('m')],
    { Conv: 1, Clip: 1, Mul: 1 },
  ],
  ['HardSwish', [conv, node('HardSwish', 'c', 'h'), ...pooled('h')], { Conv: 1, HardSigmoid: 1, Mul: 1 }],
  [
    'pads before a convolution',
    [node('Pad', 'x around', 'q'), node('Conv', 'q w b', 'c'), ...pooled('c')],
    { Conv: 1 },
  ],
  [
    'pads before a maximum of positives',
    [
      conv,
      node('Relu', 'c', 'r'),
      node('Pad', 'r around', 'q'),
      node('MaxPool', 'q', 'm', { kernel_shape: [3, 3] }),
      ...pooled('m'),
    ],
    { Conv: 1, Relu: 1, MaxPool: 1 },
  ],
  [
    'pads before another maximum',
    [conv, node('Pad', 'c around', 'q'), node('MaxPool', 'q', 'm', { kernel_shape: [3, 3] }), ...pooled('m')],
    { Conv: 1, Pad: 1, MaxPool: 1 },
  ],
  [
    'pads before a mean',
    [conv, node('Pad', 'c around', 'q'), node('AveragePool', 'q', 'm', { kernel_shape: [3, 3] }), ...pooled('m')],
    { Conv: 1, AveragePool: 1 },
  ],
  [
    'sums of several',
    [conv, node('Relu', 'c', 'r'), node('Sigmoid', 'c', 's'), node('Sum', 'c r s', 't'), ...pooled('t')],
    { Conv: 1, Relu: 1, Sigmoid: 1, Add: 2 },
  ],
];

describe('prepared models of other programs', () => {
  it.each(cases)('%s', async (_, nodes, operators) => {
    const found = await prepared(nodes);
    expect(found.operators).toEqual({ ...vectorEnd, ...operators });
    expect(found.difference).toBeLessThan(1e-5);
  });

  const dense: readonly [string, readonly NodeText[], Record<string, number>][] = [
    [
      'a mean and Gemm',
      [
        node('ReduceMean', 'c', 'm', { axes: [-1, -2], keepdims: 0 }),
        node('Gemm', 'm turned bias', 'y', { transB: 1, alpha: { float: 2 }, beta: { float: 0.5 } }),
      ],
      { GlobalAveragePool: 1, Conv: 2, Flatten: 1 },
    ],
    [
      'one mean after the other',
      [
        node('ReduceMean', 'c', 'm', { axes: [3], keepdims: 0 }),
        node('ReduceMean', 'm', 'n', { axes: [2], keepdims: 0 }),
        node('MatMul', 'n dense', 'd'),
        node('Add', 'bias d', 'y'),
      ],
      { GlobalAveragePool: 1, Conv: 2, Flatten: 1 },
    ],
    [
      'channels last',
      [
        node('Transpose', 'c', 't', { perm: [0, 2, 3, 1] }),
        node('ReduceMean', 't', 'm', { axes: [1, 2], keepdims: 0 }),
        node('MatMul', 'm dense', 'y'),
      ],
      { GlobalAveragePool: 1, Conv: 2, Flatten: 1 },
    ],
    [
      'all pixels',
      [node('Flatten', 'c', 'f'), node('MatMul', 'f wide', 'd'), node('Add', 'd bias', 'y')],
      { Conv: 2, Flatten: 1 },
    ],
    [
      'all pixels, channels last',
      [
        node('Transpose', 'c', 't', { perm: [0, 2, 3, 1] }),
        node('Reshape', 't vector', 'f'),
        node('MatMul', 'f wide', 'y'),
      ],
      { Conv: 2, Flatten: 1 },
    ],
    [
      'a gate, and a softmax',
      [
        node('GlobalAveragePool', 'c', 'p'),
        node('Squeeze', 'p ends', 'v'),
        node('MatMul', 'v dense', 'e'),
        node('Relu', 'e', 'r'),
        node('MatMul', 'r turned', 'u'),
        node('Sigmoid', 'u', 's'),
        node('Unsqueeze', 's ends', 'g'),
        node('Mul', 'c g', 'm'),
        node('GlobalAveragePool', 'm', 'q'),
        node('Reshape', 'q vector', 'l'),
        node('Softmax', 'l', 'y'),
      ],
      { GlobalAveragePool: 2, Conv: 3, Relu: 1, Sigmoid: 1, Mul: 1, Flatten: 1, Softmax: 1 },
    ],
    [
      'a computed batch',
      [
        node('GlobalAveragePool', 'c', 'p'),
        node('Shape', 'c', 'h'),
        node('Gather', 'h first', 'n'),
        node('Concat', 'n minus', 'target', { axis: 0 }),
        node('Reshape', 'p target', 'f'),
        node('MatMul', 'f dense', 'y'),
      ],
      { GlobalAveragePool: 1, Conv: 2, Flatten: 1 },
    ],
  ];
  it.each(dense)('dense layers after %s', async (_, nodes, operators) => {
    const found = await prepared([conv, ...nodes]);
    expect(found.operators).toEqual(operators);
    expect(found.difference).toBeLessThan(1e-5);
  });

  /** Rare forms, and forms that resemble a rewritten one but must stay. */
  const rare: readonly [string, readonly NodeText[], Record<string, number>][] = [
    [
      'a Constant node',
      [node('Constant', '', 'k', { value_float: { float: 2 } }), conv, node('Mul', 'c k', 'y')],
      { Conv: 1 },
    ],
    [
      'sums with 0, products with 1, pads of nothing',
      [
        conv,
        node('Add', 'c zero', 'a'),
        node('Mul', 'unit a', 'm1'),
        node('Pad', 'm1 noPads', 'p'),
        node('Relu', 'p', 'y'),
      ],
      { Conv: 1, Relu: 1 },
    ],
    [
      'a factor of a convolution with other readers',
      [conv, node('Mul', 'c channels', 'm1'), node('Add', 'm1 c', 'y')],
      { Add: 1, Conv: 1, Mul: 1 },
    ],
    [
      'a number minus an image',
      [conv, node('Sub', 'unit c', 's'), node('Relu', 's', 'y')],
      { Conv: 1, Relu: 1, Sub: 1 },
    ],
    ['Clip of Relu', [conv, node('Relu', 'c', 'r'), node('Clip', 'r _ six', 'y')], { Clip: 1, Conv: 1 }],
    ['Clip without an upper end', [conv, node('Clip', 'c zero most', 'y')], { Conv: 1, Relu: 1 }],
    [
      'hard sigmoid by Mul, Add and Clip',
      [conv, node('Mul', 'c sixth', 's'), node('Add', 's inverse', 'a'), node('Clip', 'a zero unit', 'y')],
      { Conv: 1, HardSigmoid: 1 },
    ],
    [
      'pads before a convolution that pads itself',
      [node('Pad', 'x around', 'p'), node('Conv', 'p w b', 'y', { auto_pad: 'SAME_UPPER', strides: [2, 2] })],
      { Conv: 1 },
    ],
    [
      'pads before a mean that does not count its own',
      [conv, node('Pad', 'c around', 'p'), node('AveragePool', 'p', 'y', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
      { AveragePool: 1, Conv: 1, Pad: 1 },
    ],
    ['pads of channels', [conv, node('Pad', 'c inChannels', 'y')], { Conv: 1, Pad: 1 }],
    ['a mean of channels', [conv, node('ReduceMean', 'c', 'y', { axes: [1] })], { Conv: 1, ReduceMean: 1 }],
    [
      'a pooling of the whole image',
      [conv, node('AveragePool', 'c', 'p', { kernel_shape: [6, 6] }), node('Flatten', 'p', 'y')],
      { Conv: 1, Flatten: 1, GlobalAveragePool: 1 },
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
      { Conv: 1, Relu: 1 },
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
      { Conv: 2, Flatten: 1 },
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
      { Cast: 2, Concat: 1, Conv: 1, Mul: 1, Resize: 1, Shape: 1, Slice: 1 },
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
        node('Expand', 'channels t64', 'e'),
        node('Add', 'c e', 'y'),
      ],
      { Add: 1, Cast: 2, Concat: 1, Conv: 1, Expand: 1, Shape: 1, Slice: 2 },
    ],
  ];
  it.each(rare)('rare forms: %s', async (_, nodes, operators) => {
    const found = await prepared(nodes);
    expect(found.operators).toEqual(operators);
    expect(found.difference).toBeLessThan(1e-5);
  });

  it('operators without a rewrite stay', async () => {
    const found = await prepared(
      [
        conv,
        node('Softsign', 'c', 's'),
        node('ReduceMax', 's', 'm', { axes: [2, 3], keepdims: 0 }),
        node('MatMul', 'm dense', 'y'),
      ],
      13,
    );
    expect(found.operators).toEqual({ Conv: 1, Softsign: 1, ReduceMax: 1, MatMul: 1 });
    expect(found.difference).toBe(0);
  });

  it('have unique names of nodes where nodes have the names of their outputs', async () => {
    const nodes = [
      conv,
      node('ReduceMean', 'c', 'p', { axes: [2, 3], keepdims: 0 }),
      node('Gemm', 'p turned bias', 'g', { transB: 1 }),
      node('Relu', 'g', 'y'),
    ];
    const { graph, difference } = await prepared(nodes.map((one) => ({ ...one, name: one.output[0] })));
    expect(difference).toBeLessThan(1e-5);
    const names = parseOnnx(encodeRead(graph)).graph.node.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
