import * as tf from '@tensorflow/tfjs-core';
import { forwardOnly, ofOne, ofTwo, type Case } from './case.js';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

const reductions: Readonly<Record<string, Reduction>> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  logSumExp: tf.logSumExp,
};
const axes: readonly (readonly [shape: readonly number[], axis: number | number[] | undefined])[] = [
  [[2, 3, 4], undefined],
  [[2, 3, 4], 0],
  [[2, 3, 4], -1],
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 1, 2],
  ],
];
const reductionCases = Object.entries(reductions).flatMap(([name, f]) =>
  axes.flatMap(([shape, axis]) =>
    [false, true].map((keepDims) => {
      const title = `${name} of [${shape}] over ${axis ?? 'all'}${keepDims ? ', kept' : ''}`;
      const reduction = ofOne(title, shape, (x) => f(x, Array.isArray(axis) ? [...axis] : axis, keepDims));
      // TF.js's gradient of a product calls methods of tensors that its Node build does not have.
      return name === 'prod' ? forwardOnly(reduction) : reduction;
    }),
  ),
);

const otherReductions: readonly Case[] = [
  ofOne('moments', [2, 3, 4, 5], (x) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.concat([mean, variance]);
  }),
  ofOne('euclidean norm', [3, 4], (x) => tf.norm(x, 'euclidean', 1)),
  ofOne('reduction of a transpose', [2, 3, 4, 5], (x) => tf.mean(tf.transpose(x, [0, 3, 1, 2]), [2, 3])),
  forwardOnly(ofOne('argMax', [3, 4, 5], (x) => tf.argMax(x, 1))),
  forwardOnly(ofOne('argMin', [3, 4, 5], (x) => tf.argMin(x, -1))),
  forwardOnly(ofOne('all', [3, 4], (x) => tf.all(tf.greater(x, -1), 1))),
  forwardOnly(ofOne('any', [3, 4], (x) => tf.any(tf.greater(x, 1), 0, true))),
  forwardOnly(ofOne('sum of bool', [3, 4], (x) => tf.sum(tf.greater(x, 0), 0))),
  forwardOnly(ofOne('mean of int32', [3, 4], (x) => tf.mean(tf.cast(tf.mul(x, 5), 'int32'), 1))),
  forwardOnly(
    ofOne('max and sum of int32', [3, 4], (x) =>
      tf.add(tf.max(tf.cast(tf.mul(x, 5), 'int32'), 1), tf.sum(tf.cast(tf.mul(x, 5), 'int32'), 1)),
    ),
  ),
  ofOne('softmax', [2, 3, 5], (x) => tf.softmax(x)),
  ofOne('softmax of images', [2, 3, 3, 5], (x) => tf.softmax(x)),
  ofOne('logSoftmax', [2, 5], (x) => tf.logSoftmax(x)),
  ofOne('softmax of large logits', [2, 5], (x) => tf.softmax(tf.mul(x, 60))),
  ofOne('logSoftmax of large logits', [2, 5], (x) => tf.logSoftmax(tf.mul(x, 60))),
];

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
const matrixShapes = (ta: boolean, tb: boolean, ...batch: number[]): [number[], number[]] => [
  [...batch, ...(ta ? [3, 2] : [2, 3])],
  [...batch, ...(tb ? [4, 3] : [3, 4])],
];
const products: readonly Case[] = [
  ...transposes.map(([ta, tb]) =>
    ofTwo(`matMul ${ta} ${tb}`, ...matrixShapes(ta, tb), (a, b) => tf.matMul(a, b, ta, tb)),
  ),
  ...transposes.map(([ta, tb]) =>
    ofTwo(`matMul of batches ${ta} ${tb}`, ...matrixShapes(ta, tb, 2, 3), (a, b) => tf.matMul(a, b, ta, tb)),
  ),
  // TF.js does not sum the gradient over a broadcast batch.
  forwardOnly(ofTwo('matMul, broadcast batch', [2, 3, 4], [1, 4, 2], (a, b) => tf.matMul(a, b))),
  ofTwo('dot', [3], [3], (a, b) => tf.dot(a, b)),
  ofTwo('outerProduct', [3], [4], (a, b) => tf.outerProduct(a as tf.Tensor1D, b as tf.Tensor1D)),
  ofOne('Gram matrix of an image', [2, 3, 3, 4], (x) => {
    const flat = tf.reshape(x, [2, 9, 4]);
    return tf.matMul(flat, flat, true, false);
  }),
  ...(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const).map((activation): Case => ({
    name: `fused matMul, ${activation}`,
    inputs: (sample) => ({ a: sample.normal([2, 3]), b: sample.normal([3, 4]), bias: sample.normal([4]) }),
    f: ({ a, b, bias }) => tf.fused.matMul({ a, b, bias, activation, leakyreluAlpha: 0.3 }),
    gradients: ['a', 'b', 'bias'],
  })),
];

export const reductionsAndProducts: readonly Case[] = [...reductionCases, ...otherReductions, ...products];
