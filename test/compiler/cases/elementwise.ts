import * as tf from '@tensorflow/tfjs-core';
import { forwardOnly, ofTwo, type Case } from './case.js';

interface Unary {
  readonly f: (x: tf.Tensor) => tf.Tensor;
  /** Inputs are drawn from here, away from the function's poles. */
  readonly range: readonly [low: number, high: number];
  /** Whether TF.js differentiates it. */
  readonly differentiable?: boolean;
}

const all: readonly [number, number] = [-3, 3];
const positive: readonly [number, number] = [0.1, 4];
const unit: readonly [number, number] = [-0.95, 0.95];

const unary: Readonly<Record<string, Unary>> = {
  abs: { f: (x) => tf.abs(x), range: all },
  acos: { f: (x) => tf.acos(x), range: unit },
  acosh: { f: (x) => tf.acosh(x), range: [1.2, 4] },
  asin: { f: (x) => tf.asin(x), range: unit },
  asinh: { f: (x) => tf.asinh(x), range: all },
  atan: { f: (x) => tf.atan(x), range: all },
  atanh: { f: (x) => tf.atanh(x), range: unit },
  ceil: { f: (x) => tf.ceil(x), range: all },
  clipByValue: { f: (x) => tf.clipByValue(x, -0.7, 1.1), range: all },
  cos: { f: (x) => tf.cos(x), range: all },
  cosh: { f: (x) => tf.cosh(x), range: all },
  elu: { f: (x) => tf.elu(x), range: all },
  erf: { f: (x) => tf.erf(x), range: all },
  exp: { f: (x) => tf.exp(x), range: all },
  expm1: { f: (x) => tf.expm1(x), range: all },
  floor: { f: (x) => tf.floor(x), range: all },
  identity: { f: (x) => tf.clone(x), range: all },
  leakyRelu: { f: (x) => tf.leakyRelu(x, 0.3), range: all },
  log: { f: (x) => tf.log(x), range: positive },
  log1p: { f: (x) => tf.log1p(x), range: positive },
  logSigmoid: { f: (x) => tf.logSigmoid(x), range: all },
  neg: { f: (x) => tf.neg(x), range: all },
  reciprocal: { f: (x) => tf.reciprocal(x), range: positive },
  relu: { f: (x) => tf.relu(x), range: all },
  relu6: { f: (x) => tf.relu6(x), range: [-4, 9] },
  'clip(relu)': { f: (x) => tf.clipByValue(tf.relu(x), 0, 1.5), range: all },
  'relu(relu)': { f: (x) => tf.relu(tf.relu(x)), range: all },
  round: { f: (x) => tf.round(x), range: all },
  rsqrt: { f: (x) => tf.rsqrt(x), range: positive },
  selu: { f: (x) => tf.selu(x), range: all },
  sigmoid: { f: (x) => tf.sigmoid(x), range: [-8, 8] },
  sign: { f: (x) => tf.sign(x), range: all },
  sin: { f: (x) => tf.sin(x), range: all },
  sinh: { f: (x) => tf.sinh(x), range: all },
  softplus: { f: (x) => tf.softplus(x), range: [-12, 12] },
  sqrt: { f: (x) => tf.sqrt(x), range: positive },
  square: { f: (x) => tf.square(x), range: all },
  step: { f: (x) => tf.step(x, 0.2), range: all },
  tan: { f: (x) => tf.tan(x), range: [-1.2, 1.2] },
  tanh: { f: (x) => tf.tanh(x), range: all },
  'cast to int32': { f: (x) => tf.cast(x, 'int32'), range: all, differentiable: false },
  'cast to bool': { f: (x) => tf.cast(tf.relu(x), 'bool'), range: all, differentiable: false },
  logicalNot: { f: (x) => tf.logicalNot(tf.greater(x, 0)), range: all, differentiable: false },
  'cast of bool': { f: (x) => tf.mul(x, tf.cast(tf.greater(x, 0), 'float32')), range: all, differentiable: false },
  'zerosLike and onesLike': { f: (x) => tf.add(tf.mul(x, tf.onesLike(x)), tf.zerosLike(x)), range: all },
};

const unaryCases: Case[] = Object.entries(unary).map(([name, { f, range, differentiable = true }]) => ({
  name,
  inputs: (sample) => ({ x: sample.between(...range, [2, 3, 4]) }),
  f: (inputs) => f(inputs['x']),
  gradients: differentiable ? ['x'] : [],
}));

/** TF.js answers these for values that are not numbers, too. */
const specials: Case[] = [
  ['isNaN', tf.isNaN] as const,
  ['isInf', tf.isInf] as const,
  ['isFinite', tf.isFinite] as const,
].map(([name, f]) => ({
  name,
  inputs: (sample) => ({ x: sample.mixed([1, NaN, Infinity, -Infinity, 0, -2.5], [4, 5]) }),
  f: (inputs) => f(inputs['x']),
}));

type Pair = readonly [readonly number[], readonly number[]];
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
  atan2: (a, b) => tf.atan2(a, away(b)),
  mod: (a, b) => tf.mod(a, away(b)),
};
const binaryCases = Object.entries(binary).flatMap(([name, f]) =>
  broadcasts.map((shapes) => ofTwo(`${name} [${shapes[0]}] [${shapes[1]}]`, shapes, f)),
);

// TF.js's gradients of these have the operands' broadcast shape, not their own, and throw: only equal shapes here.
const unreduced: Readonly<Record<string, BinaryOp>> = {
  squaredDifference: tf.squaredDifference,
  maximum: tf.maximum,
  minimum: tf.minimum,
};
const unreducedCases = Object.entries(unreduced).flatMap(([name, f]) => [
  ofTwo(name, same, f),
  ...broadcasts.slice(1).map((shapes) => forwardOnly(ofTwo(`${name} [${shapes[0]}] [${shapes[1]}]`, shapes, f))),
]);

const comparisons: Readonly<Record<string, BinaryOp>> = {
  equal: tf.equal,
  notEqual: tf.notEqual,
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
};
const integers: Readonly<Record<string, BinaryOp>> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  'div (floors)': (a, b) => tf.div(a, tf.add(tf.abs(b), tf.scalar(1, 'int32'))),
  floorDiv: (a, b) => tf.floorDiv(a, tf.add(tf.abs(b), tf.scalar(1, 'int32'))),
  mod: (a, b) => tf.mod(a, tf.add(tf.abs(b), tf.scalar(1, 'int32'))),
  maximum: tf.maximum,
  minimum: tf.minimum,
  squaredDifference: tf.squaredDifference,
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

const logical: Readonly<Record<string, BinaryOp>> = {
  logicalAnd: tf.logicalAnd,
  logicalOr: tf.logicalOr,
  logicalXor: tf.logicalXor,
};
const logicalCases: Case[] = Object.entries(logical).map(([name, f]) => ({
  name,
  inputs: (sample) => ({ a: sample.normal([3, 4]), b: sample.normal([4]) }),
  f: (inputs) => f(tf.greater(inputs['a'], 0), tf.less(inputs['b'], 0)),
}));

const others: readonly Case[] = [
  ofTwo('addN', same, (a, b) => tf.addN([a, b, a])),
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
  ofTwo('prelu', [[2, 3, 4], [4]], (a, b) => tf.prelu(a, b)),
  ofTwo('an operand used twice', same, (a, b) => tf.add(tf.mul(a, a), tf.mul(tf.mul(a, b), a))),
  ofTwo('constants fold', same, (a, b) => tf.add(tf.mul(tf.add(a, 0), 1), tf.div(tf.sub(b, tf.zerosLike(b)), 4))),
];

export const elementwiseCases: readonly Case[] = [
  ...unaryCases,
  ...specials,
  ...binaryCases,
  ...unreducedCases,
  ...integerCases,
  ...floatComparisons,
  ...logicalCases,
  ...others,
];
