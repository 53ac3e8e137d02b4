import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../base/random.js';
import { product } from '../../../base/statistics.js';

/** The sizes of one program: batch, height, width, channels. */
export type Sizes = Readonly<Record<'b' | 'h' | 'w' | 'c', number>>;

/** Filters of a program; variables, so that gradients are taken by them. */
export type Filters = Readonly<Record<'conv' | 'depthwise' | 'multiplied', tf.Tensor4D>>;

/** The inputs of an operation: the values made so far, and the program's own randomness. */
export interface Pool {
  readonly random: Random;
  readonly values: readonly tf.Tensor[];
  readonly sizes: Sizes;
  readonly filters: Filters;
}

/** Appends one value to a program, or gives undefined when no value of the pool fits. */
type Operation = (pool: Pool) => tf.Tensor | undefined;

const maxSize = 3000;
const maxRank = 5;

const one = (pool: Pool, fits: (x: tf.Tensor) => boolean = () => true): tf.Tensor | undefined => {
  const candidates = pool.values.filter(fits);
  return candidates.length > 0 ? pool.random.pick(candidates) : undefined;
};
const half = (pool: Pool): boolean => pool.random.uniform() < 0.5;
const isImage = (x: tf.Tensor): x is tf.Tensor4D => x.rank === 4;
const hasAxes = (x: tf.Tensor): boolean => x.rank > 0 && x.rank < maxRank;
const isMatrix = (x: tf.Tensor): boolean => x.rank === 2;
const hasAxis = (x: tf.Tensor): boolean => x.rank > 0;
const hasTwo = (x: tf.Tensor): boolean => x.rank > 1;

const on =
  (f: (x: tf.Tensor, pool: Pool) => tf.Tensor, fits?: (x: tf.Tensor, pool: Pool) => boolean): Operation =>
  (pool) => {
    const x = one(pool, fits && ((value) => fits(value, pool)));
    return x && f(x, pool);
  };
const onImage = (
  f: (x: tf.Tensor4D, pool: Pool) => tf.Tensor,
  fits: (x: tf.Tensor4D, pool: Pool) => boolean = () => true,
): Operation =>
  on(
    (x, pool) => f(x as tf.Tensor4D, pool),
    (x, pool) => isImage(x) && fits(x, pool),
  );
const convolvable = (x: tf.Tensor4D, { sizes }: Pool): boolean => x.shape[3] === sizes.c;

function broadcastSize(a: readonly number[], b: readonly number[]): number {
  let size = 1;
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [x, y] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return Infinity;
    size *= Math.max(x, y);
  }
  return size;
}
const withAnother =
  (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, equalShapes = false): Operation =>
  (pool) => {
    const a = pool.random.pick(pool.values);
    const b = one(pool, ({ shape }) =>
      equalShapes ? shape.join() === a.shape.join() : broadcastSize(a.shape, shape) < maxSize,
    );
    return b && f(a, b);
  };
const reducing = (f: (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor): Operation =>
  on((x, pool) => {
    const axes = x.shape.map((_, axis) => axis).filter(() => half(pool));
    return f(x, axes.length > 0 ? axes : [x.rank - 1], half(pool));
  }, hasAxes);

const convolutions: Record<string, Operation> = {
  conv: onImage((x, { filters }) => tf.conv2d(x, filters.conv, 1, 'same'), convolvable),
  stridedConv: onImage((x, { filters }) => tf.conv2d(x, filters.conv, 2, 'same'), convolvable),
  depthwise: onImage((x, { filters }) => tf.depthwiseConv2d(x, filters.depthwise, 1, 'same'), convolvable),
  stridedDepthwise: onImage((x, { filters }) => tf.depthwiseConv2d(x, filters.depthwise, 2, 'same'), convolvable),
  multipliedDepthwise: onImage(
    (x, { filters, sizes }) =>
      tf.slice(tf.depthwiseConv2d(x, filters.multiplied, 1, 'same'), [0, 0, 0, 1], [-1, -1, -1, sizes.c]),
    convolvable,
  ),
  maxPool: onImage((x, { random }) => tf.maxPool(x, 1 + random.int(3), 1 + random.int(2), 'same')),
  // 'valid' only: TF.js's cpu gradient of a padded average pool divides by the whole window.
  avgPool: onImage(
    (x, { random }) => tf.avgPool(x, 1 + random.int(2), 1 + random.int(2), 'valid'),
    (x) => Math.min(x.shape[1], x.shape[2]) > 1,
  ),
  batchNorm: onImage((x) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean, variance, tf.mul(mean, 0.3), tf.add(tf.square(mean), 0.5), 0.1);
  }),
  squeeze: onImage((x) => tf.mul(x, tf.sigmoid(tf.mean(x, [1, 2], true)))),
};

const elementwise: Record<string, Operation> = {
  add: withAnother(tf.add),
  sub: withAnother(tf.sub),
  mul: withAnother(tf.mul),
  div: withAnother((a, b) => tf.div(a, tf.add(tf.abs(b), 1))),
  // Equal shapes only: TF.js's gradients of these do not sum over broadcast axes.
  maximum: withAnother(tf.maximum, true),
  minimum: withAnother(tf.minimum, true),
  squaredDifference: withAnother(tf.squaredDifference, true),
  relu: on(tf.relu),
  relu6: on((x) => tf.relu6(tf.mul(x, 3))),
  clip: on((x) => tf.clipByValue(x, -0.5, 0.7)),
  clippedRelu: on((x) => tf.clipByValue(tf.relu(x), 0, 0.6)),
  hardSwish: on((x) => tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6))),
  swish: on((x) => tf.mul(x, tf.sigmoid(x))),
  tanh: on(tf.tanh),
  sigmoid: on(tf.sigmoid),
  neg: on(tf.neg),
  square: on((x) => tf.tanh(tf.square(x))),
  log: on((x) => tf.log(tf.add(tf.abs(x), 1))),
  root: on((x) => tf.sqrt(tf.add(tf.square(x), 0.5))),
  softplus: on(tf.softplus),
  leakyRelu: on((x) => tf.leakyRelu(x, 0.1)),
  elu: on(tf.elu),
  constant: on((x) => tf.fill(x.shape, 0.5)),
  zeros: on(tf.zerosLike),
};

const isExtensible = (x: tf.Tensor): boolean => x.rank < maxRank;
const hasOnes = (x: tf.Tensor): boolean => x.shape.includes(1);
const longAxes = (x: tf.Tensor): number[] => x.shape.flatMap((size, axis) => (size > 1 ? [axis] : []));
const isDivisible = (x: tf.Tensor): boolean => hasAxes(x) && longAxes(x).length > 0;
const permutation = (rank: number, random: Random): number[] =>
  random.shuffle(Array.from({ length: rank }, (_, axis) => axis));

const shaping: Record<string, Operation> = {
  transpose: on((x, { random }) => tf.transpose(x, permutation(x.rank, random)), hasTwo),
  flatten: on((x) => tf.reshape(x, [-1])),
  rows: on((x) => tf.reshape(x, [x.shape[0] ?? 1, -1]), hasTwo),
  insertOne: on((x, { random }) => tf.expandDims(x, random.int(x.rank + 1)), isExtensible),
  squeezeOnes: on((x) => tf.squeeze(x), hasOnes),
  toChannels: on(
    (x, { sizes: { b, c } }) => tf.reshape(x, [b, 1, 1, c]),
    (x, { sizes: { b, c } }) => x.rank === 2 && x.shape[0] === b && x.shape[1] === c,
  ),
  concat: (pool) => {
    const a = one(pool, hasAxes);
    const b = a && one(pool, (x) => x.shape.join() === a.shape.join());
    if (!a || !b) return undefined;
    const axis = pool.random.int(a.rank);
    const begin = a.shape.map((size, i) => (i === axis ? size >> 1 : 0));
    return tf.slice(tf.concat([a, b], axis), begin, a.shape);
  },
  stack: on(
    (x, { random }) => tf.stack([x, tf.neg(x)], random.int(x.rank + 1)),
    (x) => x.rank > 0 && x.rank < 4,
  ),
  // At least two parts: TF.js's gradients of one part take it for a list and throw.
  unstack: on((x, { random }) => random.pick(tf.unstack(x, random.pick(longAxes(x)))), isDivisible),
  split: on((x, { random }) => {
    const axis = random.pick(longAxes(x));
    const first = 1 + random.int(x.shape[axis] - 1);
    return random.pick(tf.split(x, [first, x.shape[axis] - first], axis));
  }, isDivisible),
  slice: on((x, { random }) => {
    const begin = x.shape.map((size) => random.int(size));
    const size = x.shape.map((size, axis) => 1 + random.int(size - (begin[axis] ?? 0)));
    return tf.slice(x, begin, size);
  }, hasAxes),
  pad: on((x) => {
    const amounts = x.shape.map((): [number, number] => [1, 0]);
    const begin = x.shape.map(() => 0);
    return tf.slice(tf.pad(x, amounts), begin, x.shape);
  }, hasAxes),
  broadcastTo: on(
    (x) => {
      const shape = x.shape.map((size) => (size === 1 ? 2 : size));
      return tf.broadcastTo(x, shape);
    },
    (x) => hasAxes(x) && hasOnes(x),
  ),
  tile: on(
    (x, { random }) => {
      const times = x.shape.map((size) => (size === 1 ? 3 : 1 + Number(random.int(4) === 0)));
      return tf.tile(x, times);
    },
    (x) => hasAxes(x) && x.size < 400,
  ),
  gather: on((x, { random }) => {
    const axis = random.int(x.rank);
    return tf.gather(x, tf.tensor1d([0, (x.shape[axis] ?? 1) - 1, 0], 'int32'), axis);
  }, hasAxes),
};

const stripes = (shape: number[]): tf.Tensor => {
  const size = product(shape);
  const data = Uint8Array.from({ length: size }, (_, i) => Number(i % 3 > 0));
  return tf.tensor(data, shape, 'bool');
};

const reductions: Record<string, Operation> = {
  mean: reducing(tf.mean),
  sum: reducing((x, axes, keep) => tf.mul(tf.sum(x, axes, keep), 0.1)),
  max: reducing(tf.max),
  softmax: on((x) => tf.softmax(x), hasAxis),
  logSoftmax: on((x) => tf.mul(tf.logSoftmax(x), 0.1), hasAxis),
  matMul: on((x) => tf.tanh(tf.matMul(x, tf.neg(x), false, true)), isMatrix),
  matMulTransposed: on((x) => tf.tanh(tf.matMul(x, x, true, false)), isMatrix),
  // The condition is a constant: TF.js does not differentiate comparisons, not even into a condition.
  where: on((x) => tf.where(stripes(x.shape), x, tf.mul(x, 0.2))),
};

/** The operations of random programs. */
export const operations: Readonly<Record<string, Operation>> = {
  ...convolutions,
  ...elementwise,
  ...shaping,
  ...reductions,
};

const names = Object.keys(operations);

/**
 * Runs `steps` random operations from `start`; the same random stream gives the same program on each backend.
 * @param trail receives the name and shape of each value, for messages
 * @returns the last values made
 */
export function runProgram(
  start: Omit<Pool, 'values'> & { values: tf.Tensor[] },
  steps: number,
  trail?: string[],
): tf.Tensor[] {
  const values = [...start.values];
  for (let i = 0; i < steps; i++) {
    const name = start.random.pick(names);
    const value = operations[name]({ ...start, values });
    if (value === undefined || value.size === 0 || value.size > maxSize || value.rank > maxRank) continue;
    values.push(value);
    trail?.push(`${name}[${value.shape}]`);
  }
  return values.slice(-4);
}
