import { describe, expect, it } from 'vitest';
import {
  integers,
  modelOf,
  node,
  scalar,
  type ConstantText,
  type NodeText,
} from '../../../compiler/support/onnx-models.js';
import { noise, preparing } from '../support/run.js';
import { product } from '../../../../base/statistics.js';

const floats = (dims: readonly number[], seed = 1): ConstantText => [dims, noise(product(dims), seed)];

/** Constants of all models; each file holds them all. */
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
  three: scalar(3),
  zero: scalar(0),
  six: scalar(6),
  sixth: scalar(1 / 6),
  inverse: scalar(0.5),
  around: integers(0, 0, 1, 1, 0, 0, 1, 1),
  ends: integers(2, 3),
  vector: integers(0, -1),
  pixel: integers(0, 0, 1, 1),
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
    const more = { first: integers(0), minus: integers(-1) };
    const found = await preparing(modelOf({ nodes: [conv, ...nodes], constants: { ...constants, ...more } }));
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
});
