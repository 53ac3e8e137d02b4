import * as tf from '@tensorflow/tfjs-core';
import { forwardOnly, ofOne, ofTwo, type Case } from './case.js';

type Padding = 'same' | 'valid' | number;
interface Window {
  readonly size: readonly [height: number, width: number];
  readonly kernel: number | readonly [number, number];
  readonly stride: number | readonly [number, number];
  readonly pad: Padding;
}

const pair = (value: number | readonly [number, number]): [number, number] =>
  typeof value === 'number' ? [value, value] : [value[0], value[1]];
const title = ({ size, kernel, stride, pad }: Window): string => `${size.join('x')} k${kernel} s${stride} ${pad}`;

/** Odd, even and oblong maps; kernels of 1, 3, 5 and oblong ones; every padding. */
const windows: readonly Window[] = [
  { size: [5, 5], kernel: 1, stride: 1, pad: 'same' },
  { size: [6, 5], kernel: 1, stride: 2, pad: 'same' },
  { size: [7, 7], kernel: 3, stride: 1, pad: 'same' },
  { size: [7, 6], kernel: 3, stride: 2, pad: 'same' },
  { size: [8, 8], kernel: 3, stride: 2, pad: 'same' },
  { size: [9, 8], kernel: 5, stride: 2, pad: 'same' },
  { size: [7, 7], kernel: 5, stride: 1, pad: 'same' },
  { size: [7, 6], kernel: 3, stride: 1, pad: 'valid' },
  { size: [8, 7], kernel: 3, stride: 2, pad: 'valid' },
  { size: [6, 6], kernel: 3, stride: 2, pad: 1 },
  { size: [5, 7], kernel: [1, 3], stride: [1, 2], pad: 'same' },
  { size: [5, 5], kernel: 5, stride: 1, pad: 'valid' },
];

/** Channels that fill whole blocks of the blocked path, that fill none, and both. */
const widths = [
  [16, 32],
  [3, 16],
  [12, 20],
] as const;
const denseCase = (window: Window, from: number, to: number, batch = 2): Case =>
  ofTwo(
    `conv2d ${title(window)}, ${from} to ${to} channels, batch ${batch}`,
    [batch, ...window.size, from],
    [...pair(window.kernel), from, to],
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, pair(window.stride), window.pad),
  );
const denseCases = (from: number, to: number, some: readonly Window[]): readonly Case[] =>
  some.map((window) => denseCase(window, from, to));
const squareKernels = windows.filter(({ kernel }) => kernel === 1 || kernel === 3);
/** Stride 1 and 2 on odd and even sizes. */
const fewWindows = [windows[2], windows[4]];
const dense: readonly Case[] = [
  ...denseCases(4, 6, windows),
  ...widths.flatMap(([from, to]) => denseCases(from, to, [windows[0], ...fewWindows])),
];

/** Filters of one number throughout, which the trace keeps as that number. */
const uniform: readonly Case[] = [4, 16].flatMap((channels) => {
  const shape = [2, 6, 5, channels];
  const filter = (size: number, last: number): tf.Tensor4D => tf.fill([size, size, channels, last], 0.5);
  const title = `with a uniform filter, ${channels} channels`;
  return [
    ofOne(`conv2d ${title}`, shape, (x) => tf.conv2d(x as tf.Tensor4D, filter(3, 16), 1, 'same')),
    ofOne(`conv2d 1x1 ${title}`, shape, (x) => tf.conv2d(x as tf.Tensor4D, filter(1, 16), 1, 'same')),
    ofOne(`depthwiseConv2d ${title}`, shape, (x) => tf.depthwiseConv2d(x as tf.Tensor4D, filter(3, 1), 2, 'same')),
  ];
});

/** Minimal filtering: heights of whole tiles and batches of whole blocks. */
const tiled: readonly Case[] = [
  denseCase({ size: [8, 6], kernel: 3, stride: 1, pad: 'same' }, 10, 16, 16),
  denseCase({ size: [4, 5], kernel: [3, 1], stride: 1, pad: 'same' }, 20, 40, 16),
];

const depthwiseCases = (channels: number, some: readonly Window[]): readonly Case[] =>
  some.map((window) =>
    ofTwo(
      `depthwiseConv2d ${title(window)}, ${channels} channels`,
      [2, ...window.size, channels],
      [...pair(window.kernel), channels, 1],
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, pair(window.stride), window.pad),
    ),
  );
/** The blocked path, where it is on, takes channels that fill half a block. */
const depthwise: readonly Case[] = [
  ...depthwiseCases(16, windows),
  ...[5, 12, 32].flatMap((channels) => depthwiseCases(channels, fewWindows)),
];
const multiplied: readonly Case[] = [4, 16].map((channels) =>
  ofTwo(
    `depthwiseConv2d with 2 filters a channel, ${channels} channels`,
    [2, 6, 5, channels],
    [3, 3, channels, 2],
    (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same'),
  ),
);

// TF.js does not differentiate dilated convolutions.
const dilated: readonly Case[] = (['same', 'valid'] as const).flatMap((pad) => [
  forwardOnly(
    ofTwo(`conv2d dilated by 2, ${pad}`, [2, 7, 8, 3], [3, 3, 3, 4], (x, w) =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad, 'NHWC', 2),
    ),
  ),
  forwardOnly(
    ofTwo(`depthwiseConv2d dilated by 2, ${pad}`, [2, 7, 8, 16], [3, 3, 16, 1], (x, w) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad, 'NHWC', 2),
    ),
  ),
]);

const transposed: readonly Case[] = (
  [
    [1, 3, 'same', [5, 4]],
    [2, 3, 'same', [10, 8]],
    [2, 3, 'valid', [11, 9]],
    [2, 2, 'same', [10, 8]],
  ] as const
).map(([stride, kernel, pad, [height, width]]) =>
  ofTwo(`conv2dTranspose k${kernel} s${stride} ${pad}`, [2, 5, 4, 6], [kernel, kernel, 3, 6], (x, w) =>
    tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, height, width, 3], stride, pad),
  ),
);

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;
const fusedCase = (
  name: string,
  [x, w, bias]: readonly number[][],
  f: (operands: { x: tf.Tensor4D; filter: tf.Tensor4D; bias: tf.Tensor }) => tf.Tensor,
): Case => ({
  name,
  inputs: (sample) => ({ x: sample.normal(x), w: sample.normal(w), bias: sample.normal(bias) }),
  f: (inputs) => f({ x: inputs['x'] as tf.Tensor4D, filter: inputs['w'] as tf.Tensor4D, bias: inputs['bias'] }),
  gradients: ['x', 'w', 'bias'],
});
const fused: readonly Case[] = activations.flatMap((activation) => {
  const options = { pad: 'same', activation, leakyreluAlpha: 0.3 } as const;
  return [
    fusedCase(`fused conv2d, ${activation}`, [[2, 5, 5, 3], [3, 3, 3, 4], [4]], (operands) =>
      tf.fused.conv2d({ ...options, ...operands, strides: 1 }),
    ),
    fusedCase(`fused depthwiseConv2d, ${activation}`, [[2, 5, 5, 16], [3, 3, 16, 1], [16]], (operands) =>
      tf.fused.depthwiseConv2d({ ...options, ...operands, strides: 2 }),
    ),
  ];
});

const otherConvolutions: readonly Case[] = [
  ofTwo('conv1d', [2, 8, 3], [3, 3, 5], (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 2, 'same')),
  {
    name: 'separableConv2d',
    inputs: (s) => ({ x: s.normal([2, 6, 6, 4]), d: s.normal([3, 3, 4, 2]), p: s.normal([1, 1, 8, 5]) }),
    f: ({ x, d, p }) => tf.separableConv2d(x as tf.Tensor4D, d as tf.Tensor4D, p as tf.Tensor4D, 1, 'same'),
    gradients: ['x', 'd', 'p'],
  },
  ofTwo('convolution of a broadcast image', [2, 1, 1, 4], [3, 3, 4, 2], (x, w) =>
    tf.conv2d(tf.broadcastTo<tf.Rank.R4>(x, [2, 5, 5, 4]), w as tf.Tensor4D, 1, 'same'),
  ),
  ofTwo('two convolutions with one filter', [2, 5, 5, 4], [3, 3, 4, 4], (x, w) =>
    tf.conv2d(tf.relu(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')), w as tf.Tensor4D, 2, 'same'),
  ),
];

const poolWindows: readonly Window[] = [
  { size: [6, 6], kernel: 2, stride: 2, pad: 'valid' },
  { size: [7, 6], kernel: 3, stride: 2, pad: 'valid' },
  { size: [5, 5], kernel: 3, stride: 1, pad: 'valid' },
  { size: [7, 6], kernel: 3, stride: 2, pad: 'same' },
  { size: [5, 5], kernel: 2, stride: 1, pad: 'same' },
  { size: [6, 7], kernel: [3, 2], stride: [2, 1], pad: 'same' },
];
const pools: readonly Case[] = poolWindows.flatMap((window) => {
  const { size, kernel, stride, pad } = window;
  const average = ofOne(`avgPool ${title(window)}`, [2, ...size, 3], (x) =>
    tf.avgPool(x as tf.Tensor4D, pair(kernel), pair(stride), pad),
  );
  return [
    ofOne(`maxPool ${title(window)}`, [2, ...size, 3], (x) =>
      tf.maxPool(x as tf.Tensor4D, pair(kernel), pair(stride), pad),
    ),
    // TF.js's cpu gradient of a padded average divides by the whole window; kernels.test.ts checks ours by differences.
    pad === 'same' ? forwardOnly(average) : average,
  ];
});

const sizes = [
  [9, 8],
  [3, 2],
] as const;
// TF.js's cpu gradients are wrong for bilinear resizing of images that are not square (height and width swapped), and for
// nearest resizing of more than one image (they read dy with the stride of x): only the right ones are compared.
const resizes: readonly Case[] = sizes.flatMap((size) =>
  (['', ', aligned corners', ', half-pixel centers'] as const).flatMap((coordinates) => {
    const options = `to ${size.join('x')}${coordinates}`;
    const [align, half] = [coordinates === ', aligned corners', coordinates === ', half-pixel centers'];
    const bilinear = ofOne(`resizeBilinear ${options}`, [2, 4, 4, 3], (x) =>
      tf.image.resizeBilinear(x as tf.Tensor4D, [...size], align, half),
    );
    const nearest = ofOne(`resizeNearestNeighbor ${options}`, [1, 4, 5, 3], (x) =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [...size], align, half),
    );
    return half ? [forwardOnly(bilinear), forwardOnly(nearest)] : [bilinear, nearest];
  }),
);

const normalisation: readonly Case[] = ['2 4 3 6', '5 6', '2 3 6'].flatMap((sizes) => {
  const shape = sizes.split(' ').map(Number);
  return [
    {
      name: `batchNorm of rank ${shape.length}`,
      inputs: (sample) => ({
        x: sample.normal(shape),
        mean: sample.normal([6]),
        variance: sample.between(0.2, 2, [6]),
        offset: sample.normal([6]),
        scale: sample.normal([6]),
      }),
      f: ({ x, mean, variance, offset, scale }) => tf.batchNorm(x, mean, variance, offset, scale, 0.01),
      gradients: ['x', 'mean', 'variance', 'offset', 'scale'],
    },
    {
      name: `batchNorm of rank ${shape.length} without scale and offset`,
      inputs: (sample) => ({
        x: sample.normal(shape),
        mean: sample.normal([6]),
        variance: sample.between(0.2, 2, [6]),
      }),
      f: ({ x, mean, variance }) => tf.batchNorm(x, mean, variance),
      // No gradients: TF.js saves the scale for them, and throws when there is none.
    },
  ] satisfies Case[];
});

/** More windows, and minimal filtering with tiles of 4 and of 2 rows and larger kernels: TF.js takes seconds for some. */
export const slowImageCases: readonly Case[] = [
  ...widths.flatMap(([from, to]) => denseCases(from, to, squareKernels)),
  ...depthwiseCases(5, windows),
  ...[12, 32].flatMap((channels) => depthwiseCases(channels, squareKernels)),
  ...(
    [
      { size: [8, 6], kernel: 3, stride: 1, pad: 'same' },
      { size: [6, 5], kernel: 3, stride: 1, pad: 'same' },
      { size: [10, 6], kernel: 3, stride: 1, pad: 'valid' },
      { size: [8, 7], kernel: 5, stride: 1, pad: 'same' },
      { size: [10, 8], kernel: 5, stride: 1, pad: 'valid' },
      { size: [6, 7], kernel: 7, stride: 1, pad: 'same' },
    ] satisfies Window[]
  ).map((window) => denseCase(window, 20, 40, 16)),
];

export const imageCases: readonly Case[] = [
  ...dense,
  ...uniform,
  ...tiled,
  ...depthwise,
  ...multiplied,
  ...dilated,
  ...transposed,
  ...fused,
  ...otherConvolutions,
  ...pools,
  ...resizes,
  ...normalisation,
];
