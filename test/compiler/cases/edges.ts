import * as tf from '@tensorflow/tfjs-core';
import { normalizeBatch } from '../../../compiler/index.js';
import { groups, type Group } from './all.js';
import { forwardOnly, ofOne, ofTwo, type Case } from './case.js';

/** Bounds of clips: narrow, wide, tiny, equal, far from 0, half and entirely infinite. */
const bounds: readonly (readonly [low: number, high: number])[] = [
  [0, 6],
  [-0.5, 0.25],
  [0, 1e8],
  [0, 1e9],
  [-3e38, 3e38],
  [0, Infinity],
  [-Infinity, 0],
  [-Infinity, Infinity],
  [0, 1e-30],
  [-1e-40, 1e-3],
  [1e6, 1e6 + 1],
  [1000, 1006],
];

/** The forms that the rules recognise, around a clip. */
const around: Readonly<Record<string, (x: tf.Tensor, low: number, high: number) => tf.Tensor>> = {
  'clip(x)': (x, low, high) => tf.clipByValue(x, low, high),
  'clip(2x)': (x, low, high) => tf.clipByValue(tf.mul(x, 2), low, high),
  'clip(x + 1)': (x, low, high) => tf.clipByValue(tf.add(x, 1), low, high),
  'clip(1 - x)': (x, low, high) => tf.clipByValue(tf.sub(1, x), low, high),
  'clip(relu(x))': (x, low, high) => tf.clipByValue(tf.relu(x), low, high),
  'relu(clip(x))': (x, low, high) => tf.relu(tf.clipByValue(x, low, high)),
  'clip(x + 3) / high': (x, low, high) => tf.div(tf.clipByValue(tf.add(x, 3), low, high), high),
  'x * clip(x + 3) / high': (x, low, high) => tf.mul(x, tf.mul(tf.clipByValue(tf.add(x, 3), low, high), 1 / high)),
};

const clips: readonly Case[] = Object.entries(around).flatMap(([name, f]) =>
  bounds.map(([low, high]) => ofOne(`${name} [${low}, ${high}]`, [3, 8], (x) => f(x, low, high))),
);

/** Factors and offsets before the ReLU6: none, huge, tiny and lost ones. */
const affine: readonly (readonly [scale: number, offset: number])[] = [
  [0, 1],
  [1e-40, 3],
  [1e-12, 3],
  [1e12, 0],
  [1e38, -1e38],
  [1, 1e9],
  [-2, 1e4],
  [Infinity, 0],
  [1, -Infinity],
  [NaN, 0],
];
const afterAffine: readonly Case[] = affine.flatMap(([scale, offset]) => [
  ofOne(`relu6(${scale} x + ${offset})`, [3, 8], (x) => tf.relu6(tf.add(tf.mul(x, scale), offset))),
  ofOne(`x / ${scale} / ${offset}`, [3, 8], (x) => tf.div(tf.div(x, scale), offset)),
  ofOne(`hard sigmoid of ${scale} x + ${offset}`, [3, 8], (x) =>
    tf.div(tf.clipByValue(tf.add(tf.mul(x, scale), offset), 0, 6), 6),
  ),
]);

const unguarded: readonly Case[] = [
  ofTwo('a / b', [4, 8], [4, 8], (a, b) => tf.div(a, b)),
  ofTwo('a ^ b', [4, 8], [4, 8], (a, b) => tf.pow(a, b)),
  forwardOnly(ofTwo('floor(a / b)', [4, 8], [4, 8], (a, b) => tf.floorDiv(a, b))),
  forwardOnly(ofTwo('where(a > b)', [4, 8], [4, 8], (a, b) => tf.where(tf.greater(a, b), a, b))),
  {
    name: 'floorDiv of int32 by any number',
    inputs: (sample) => ({ a: sample.int(-9, 9, [4, 8]), b: sample.int(-3, 3, [4, 8]) }),
    f: ({ a, b }) => tf.floorDiv(a, b),
  },
];

/** Windows that `dimRoundingMode` lets reach beyond the image. TF.js's gradients do not know of it. */
const roundedUp: readonly Case[] = (['ceil', 'round', 'floor'] as const).flatMap((mode) => [
  forwardOnly(ofOne(`maxPool, ${mode}`, [2, 6, 7, 3], (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 0, mode))),
  forwardOnly(ofOne(`avgPool, ${mode}`, [2, 6, 7, 3], (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 0, mode))),
  forwardOnly(
    ofTwo(`conv2d, ${mode}`, [2, 6, 7, 4], [3, 3, 4, 16], (x, w) =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 0, 'NHWC', [1, 1], mode),
    ),
  ),
]);

/** Kernels of the compiler's own, beside TF.js's operations. */
const own: readonly Case[] = [
  {
    name: 'normalizeBatch',
    inputs: (s) => ({ x: s.normal([3, 2, 2, 4]), gamma: s.normal([4]), beta: s.normal([4]) }),
    f: ({ x, gamma, beta }) => normalizeBatch(x, gamma, beta, 1e-3).y,
    gradients: ['x', 'gamma', 'beta'],
  },
];

const attributes: readonly Case[] = [...clips, ...afterAffine, ...unguarded, ...roundedUp, ...own];

interface EdgeGroup extends Group {
  /** Whether results are sums, whose error is relative to the largest one. Default: of operands of different shapes. */
  readonly sums?: true;
}

/** Every case that is compared with TF.js, and cases of attributes at the edge. */
export const edgeGroups: Readonly<Record<string, EdgeGroup>> = {
  'attributes and own kernels': { cases: attributes, blocked: [false] },
  'elementwise kernels': groups['elementwise kernels'],
  'shape kernels': groups['shape kernels'],
  'reductions and matrix products': { ...groups['reductions and matrix products'], sums: true },
  'convolutions, pools, resizing and normalisation': {
    ...groups['convolutions, pools, resizing and normalisation'],
    sums: true,
  },
  losses: { ...groups.losses, sums: true },
};
