import * as tf from '@tensorflow/tfjs-core';
import { forwardOnly, ofOne, ofTwo, type Case } from './case.js';

const permutations: readonly (readonly number[])[] = [
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
  [0, 3, 1, 2],
  [0, 2, 3, 1],
  [3, 2, 0, 1],
];

const layout: readonly Case[] = [
  ...permutations.map((perm) =>
    ofOne(`transpose ${perm}`, [2, 3, 4, 5].slice(0, perm.length), (x) => tf.transpose(x, [...perm])),
  ),
  ofOne('transpose twice', [2, 3, 4, 5], (x) => tf.transpose(tf.transpose(x, [0, 3, 1, 2]), [0, 2, 3, 1])),
  ofOne('reshape of a transpose', [2, 3, 4], (x) => tf.reshape(tf.transpose(x, [2, 0, 1]), [4, 6])),
  ofOne('reshape to a scalar and back', [1, 1], (x) => tf.reshape(tf.reshape(x, []), [1, 1, 1])),
  ofOne('reshape that moves ones', [2, 1, 3, 1], (x) => tf.reshape(x, [1, 2, 3])),
  ofOne('expandDims', [2, 3], (x) => tf.expandDims(tf.expandDims(x, 1), -1)),
  ofOne('squeeze', [1, 3, 1, 2], (x) => tf.squeeze(x, [2])),
];

const repetition: readonly Case[] = [
  ofOne('tile', [2, 3], (x) => tf.tile(x, [2, 3])),
  ofOne('tile of ones', [2, 1, 3], (x) => tf.tile(x, [1, 4, 1])),
  ofOne('broadcastTo', [2, 1, 3], (x) => tf.broadcastTo(x, [4, 2, 5, 3])),
  ofOne('reduction of a broadcast', [2, 1, 3], (x) => tf.sum(tf.broadcastTo(x, [2, 5, 3]), 1)),
  ofOne('maximum of a broadcast', [2, 1, 3], (x) => tf.max(tf.broadcastTo(x, [2, 5, 3]), [1, 2])),
  ofOne('reshape of a broadcast', [2, 1, 3], (x) => tf.reshape(tf.broadcastTo(x, [2, 5, 3]), [10, 3])),
];

const joining: readonly Case[] = [
  ...[0, 1, 2].map((axis) => ofTwo(`concat axis ${axis}`, [2, 3, 4], [2, 3, 4], (a, b) => tf.concat([a, b, a], axis))),
  ofTwo('concat of different sizes', [2, 3, 4], [2, 1, 4], (a, b) => tf.concat([a, b], 1)),
  ofTwo('concat of images', [2, 3, 3, 4], [2, 3, 3, 2], (a, b) => tf.concat([a, tf.relu(b)], -1)),
  ...[0, 1, 2].map((axis) => ofTwo(`stack axis ${axis}`, [2, 3], [2, 3], (a, b) => tf.stack([a, b], axis))),
  ofOne('unstack', [2, 3, 4], (x) => {
    const [first, second, third] = tf.unstack(x, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return tf.add(tf.mul(first, second), third);
  }),
  ofOne('split in equal parts', [2, 6, 3], (x) => {
    const [first, second] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
    return tf.mul(first, second);
  }),
  ofOne('split by sizes', [2, 6], (x) => {
    const [first, second, third] = tf.split(x, [1, 2, 3], -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return tf.concat([third, first, tf.mul(second, first)], 1);
  }),
];

/** Pairs of amounts before and after each axis. */
const pads = (...amounts: readonly number[]): [number, number][] =>
  Array.from({ length: amounts.length / 2 }, (_, i) => [amounts[2 * i], amounts[2 * i + 1]]);

const cutting: readonly Case[] = [
  ofOne('slice', [4, 5, 3], (x) => tf.slice(x, [1, 0, 2], [2, 4, 1])),
  ofOne('slice to the end', [4, 5, 3], (x) => tf.slice(x, [1, 2, 0], [-1, -1, -1])),
  ofOne('slice of a broadcast', [1, 3], (x) => tf.slice(tf.broadcastTo(x, [4, 3]), [1, 1], [2, 2])),
  ofOne('pad', [2, 3], (x) => tf.pad(x, pads(1, 0, 2, 3), 0.5)),
  ofOne('pad of an image', [2, 3, 3, 2], (x) => tf.pad(x, pads(0, 0, 1, 1, 0, 2, 0, 0))),
  ofOne('reverse', [2, 3, 4], (x) => tf.reverse(x, [0, 2])),
  ...[0, 1, 2].map((axis) =>
    ofOne(`gather axis ${axis}`, [3, 4, 5], (x) => tf.gather(x, tf.tensor1d([2, 0, 2, 1], 'int32'), axis)),
  ),
  ofOne('gather by a matrix', [4, 3], (x) => tf.gather(x, tf.tensor2d([0, 3, 1, 1], [2, 2], 'int32'))),
  {
    name: 'gather by traced indices',
    inputs: (sample) => ({ x: sample.normal([5, 3]), i: sample.int(0, 5, [4]) }),
    f: ({ x, i }) => tf.gather(x, i),
    kept: ['i'],
    gradients: ['x'],
  },
];

const indices: readonly Case[] = [
  {
    name: 'oneHot',
    inputs: (sample) => ({ i: sample.int(0, 5, [3, 2]) }),
    f: ({ i }) => tf.oneHot(i, 5, 2, -1, 'float32'),
    kept: ['i'],
  },
  {
    name: 'oneHot int32, out of range',
    inputs: (sample) => ({ i: sample.int(-2, 8, [6]) }),
    f: ({ i }) => tf.oneHot(i, 5, 1, 0, 'int32'),
  },
  {
    name: 'unsortedSegmentSum',
    inputs: (sample) => ({ x: sample.normal([6, 3]), i: sample.int(0, 4, [6]) }),
    f: ({ x, i }) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 4),
    kept: ['i'],
    gradients: ['x'],
  },
  forwardOnly(ofOne('topk values', [3, 6], (x) => tf.topk(x, 2).values)),
  forwardOnly(ofOne('topk indices', [3, 6], (x) => tf.topk(x, 3).indices)),
  forwardOnly(ofOne('range and fill', [4], (x) => tf.add(tf.mul(x, tf.range(0, 8, 2)), tf.fill([4], 3)))),
  forwardOnly(ofOne('eye', [3, 3], (x) => tf.mul(x, tf.eye(3)))),
];

export const shapeCases: readonly Case[] = [...layout, ...repetition, ...joining, ...cutting, ...indices];
