import * as tf from '@tensorflow/tfjs-core';
import { forwardOnly, ofTwo, type Case } from './case.js';

type Range = readonly [low: number, high: number];
type UnaryOp = (x: tf.Tensor) => tf.Tensor;
const all: Range = [-3, 3];

/** Functions by the range from which their input is drawn, away from their poles. */
const named = [
  [all, ['abs', 'ceil', 'cos', 'elu', 'erf', 'exp', 'expm1', 'floor', 'logSigmoid', 'neg']],
  [all, ['relu', 'round', 'selu', 'sign', 'sin', 'square', 'tanh']],
  [
    [0.1, 4],
    ['log', 'log1p', 'reciprocal', 'rsqrt', 'sqrt'],
  ],
  [[-4, 9], ['relu6']],
  [[-8, 8], ['sigmoid']],
  [[-12, 12], ['softplus']],
] as const;
const composed: Readonly<Record<string, UnaryOp>> = {
  clipByValue: (x) => tf.clipByValue(x, -0.7, 1.1),
  identity: (x) => tf.clone(x),
  leakyRelu: (x) => tf.leakyRelu(x, 0.3),
  'clip(relu)': (x) => tf.clipByValue(tf.relu(x), 0, 1.5),
  'relu(relu)': (x) => tf.relu(tf.relu(x)),
  step: (x) => tf.step(x, 0.2),
  'zerosLike and onesLike': (x) => tf.add(tf.mul(x, tf.onesLike(x)), tf.zerosLike(x)),
};
/** TF.js does not differentiate these. */
const undifferentiated: Readonly<Record<string, UnaryOp>> = {
  'cast to int32': (x) => tf.cast(x, 'int32'),
  'cast to bool': (x) => tf.cast(tf.relu(x), 'bool'),
  logicalNot: (x) => tf.logicalNot(tf.greater(x, 0)),
  'cast of bool': (x) => tf.mul(x, tf.cast(tf.greater(x, 0), 'float32')),
};

const unary = (name: string, f: UnaryOp, range = all): Case => ({
  name,
  inputs: (sample) => ({ x: sample.between(...range, [2, 3, 4]) }),
  f: (inputs) => f(inputs['x']),
  gradients: name in undifferentiated ? [] : ['x'],
});
const unaryCases: Case[] = [
  ...named.flatMap(([range, names]) => names.map((name) => unary(name, (x) => tf[name](x), range))),
  ...Object.entries({ ...composed, ...undifferentiated }).map(([name, f]) => unary(name, f)),
];

type Pair = readonly [a: readonly number[], b: readonly number[]];
const same: Pair = [
  [2, 3, 4],
  [2, 3, 4],
];
const broadcasts: readonly Pair[] = [
  same,
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 1, 4],
  ],
  [
    [2, 3, 3, 4],
    [2, 1, 1, 4],
  ],
  [[], [3, 2]],
];

type BinaryOp = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
const away = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.5);

const binary: Readonly<Record<string, BinaryOp>> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: (a, b) => tf.div(a, away(b)),
  pow: (a, b) => tf.pow(away(a), b),
};
const binaryCases = Object.entries(binary).flatMap(([name, f]) =>
  broadcasts.map((shapes) => ofTwo(`${name} [${shapes[0]}] [${shapes[1]}]`, ...shapes, f)),
);

// TF.js's gradients of these have the operands' broadcast shape, not their own, and throw: only equal shapes here.
const { maximum, minimum, squaredDifference } = tf;
const unreduced: Readonly<Record<string, BinaryOp>> = { squaredDifference, maximum, minimum };
const unreducedCases = Object.entries(unreduced).flatMap(([name, f]) => [
  ofTwo(name, ...same, f),
  ...broadcasts.slice(1).map((shapes) => forwardOnly(ofTwo(`${name} [${shapes[0]}] [${shapes[1]}]`, ...shapes, f))),
]);

const { equal, notEqual, greater, greaterEqual, less, lessEqual } = tf;
const comparisons: Readonly<Record<string, BinaryOp>> = { equal, notEqual, greater, greaterEqual, less, lessEqual };
const integers: Readonly<Record<string, BinaryOp>> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  'div (floors)': (a, b) => tf.div(a, tf.add(tf.abs(b), tf.scalar(1, 'int32'))),
  floorDiv: (a, b) => tf.floorDiv(a, tf.add(tf.abs(b), tf.scalar(1, 'int32'))),
  ...unreduced,
  'abs, neg, sign, square': (a, b) => tf.add(tf.add(tf.abs(a), tf.neg(b)), tf.add(tf.sign(a), tf.square(b))),
  'float and int': (a, b) => tf.add(tf.cast(a, 'float32'), b),
  ...comparisons,
};
const integerCases: Case[] = Object.entries(integers).map(([name, f]) => ({
  name: `${name} of int32`,
  inputs: (sample) => ({ a: sample.int(-4, 5, [3, 1, 4]), b: sample.int(-4, 5, [2, 4]) }),
  f: (inputs) => f(inputs['a'], inputs['b']),
}));
const floatComparisons: Case[] = Object.entries(comparisons).map(([name, f]) => ({
  name: `${name} of float32`,
  inputs: (sample) => ({ a: sample.mixed([-1, 0, 1], [3, 1, 4]), b: sample.mixed([-1, 0, 1], [2, 4]) }),
  f: (inputs) => f(inputs['a'], inputs['b']),
}));

const { logicalAnd, logicalOr } = tf;
const logicalCases: Case[] = Object.entries({ logicalAnd, logicalOr }).map(([name, f]) => ({
  name,
  inputs: (sample) => ({ a: sample.normal([3, 4]), b: sample.normal([4]) }),
  f: (inputs) => f(tf.greater(inputs['a'], 0), tf.less(inputs['b'], 0)),
}));

const others: readonly Case[] = [
  ofTwo('addN', ...same, (a, b) => tf.addN([a, b, a])),
  {
    name: 'where',
    inputs: (sample) => ({ c: sample.normal([2, 3]), a: sample.normal([2, 3]), b: sample.normal([2, 3]) }),
    f: ({ c, a, b }) => tf.where(tf.greater(c, 0.1), a, b),
    gradients: ['a', 'b'],
  },
  {
    name: 'divNoNan',
    inputs: (sample) => ({ a: sample.normal([3, 4]), b: sample.mixed([0, 2, -0.5], [3, 4]) }),
    f: ({ a, b }) => tf.divNoNan(a, b),
  },
  ofTwo('prelu', [2, 3, 4], [4], (a, b) => tf.prelu(a, b)),
  ofTwo('an operand used twice', ...same, (a, b) => tf.add(tf.mul(a, a), tf.mul(tf.mul(a, b), a))),
  ofTwo('constants fold', ...same, (a, b) => tf.add(tf.mul(tf.add(a, 0), 1), tf.div(tf.sub(b, tf.zerosLike(b)), 4))),
];

export const elementwiseCases: readonly Case[] = [
  ...unaryCases,
  ...binaryCases,
  ...unreducedCases,
  ...integerCases,
  ...floatComparisons,
  ...logicalCases,
  ...others,
];
