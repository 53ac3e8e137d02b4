import * as tf from '@tensorflow/tfjs-core';
import { floatOf, hardSigmoidOf, textOf } from '../../graph/index.js';
import type { Call } from '../call.js';
import { aligned, plain, type FileValue } from '../value.js';
import { combining, unary, type Rule } from './rule.js';

/** clip(x, low, high), spelled as the compiler's fast gradients know it. */
function clipped(x: tf.Tensor, low: number, high: number): tf.Tensor {
  const above = low === 0 ? tf.relu(x) : x;
  if (high === Infinity) return low === 0 ? above : low === -Infinity ? x : tf.maximum(x, low);
  return low === -Infinity ? tf.minimum(x, high) : tf.clipByValue(above, low, high);
}

/** clip(alpha x + beta, 0, 1) as alpha * clip(x + beta / alpha, 0, 1 / alpha), which the compiler knows. */
function hardSigmoid(x: tf.Tensor, { alpha, beta }: ReturnType<typeof hardSigmoidOf>): tf.Tensor {
  // 1/6 and 0.5 are float32 in a file.
  const [shift, top] = [beta / alpha, 1 / alpha].map((value) => Math.round(value * 1e6) / 1e6);
  return tf.mul(clipped(tf.add(x, shift), 0, top), 1 / top);
}

const gelu = (x: tf.Tensor, call: Call): tf.Tensor => {
  const half = tf.mul(x, 0.5);
  if (textOf(call.node, 'approximate', 'none') !== 'tanh')
    return tf.mul(half, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  return tf.mul(half, tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
};

/** max(x, 0) + slope * min(x, 0) */
const prelu = (x: tf.Tensor, slope: tf.Tensor): tf.Tensor => tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0)));

/** A constant vector that is added or multiplied behind the first weights is a weight itself: a bias or a scale. */
function operands(call: Call): FileValue[] {
  return call.node.inputs.map((_, i) => {
    const constant = call.constant(i);
    const isVector = constant !== undefined && constant.data.length > 1;
    return isVector && (call.isReading ? call.followsWeights : call.isWeight(i))
      ? plain(call.weight(i))
      : call.value(i);
  });
}

const arithmetic = (of: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Rule => combining(of, operands);
const withConstants = (of: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Rule => combining(of, (call) => call.inputs());

/** Powers with short gradients, by their exponent. */
const powers: ReadonlyMap<number, (x: tf.Tensor) => tf.Tensor> = new Map([
  [-1, (x) => tf.reciprocal(x)],
  [-0.5, (x) => tf.rsqrt(x)],
  [0.5, (x) => tf.sqrt(x)],
  [1, (x) => x],
  [2, (x) => tf.square(x)],
  [3, (x) => tf.mul(tf.square(x), x)],
]);

const pow: Rule = (call) => {
  const short = powers.get(call.scalar(1) ?? NaN);
  return short ? unary(short)(call) : withConstants((a, b) => tf.pow(a, b))(call);
};

const softplus = (x: tf.Tensor): tf.Tensor => tf.softplus(x);

export const elementwiseRules = {
  Abs: unary((x) => tf.abs(x)),
  Add: arithmetic((a, b) => tf.add(a, b)),
  Celu: unary((x, call) => {
    const alpha = floatOf(call.node, 'alpha', 1);
    return tf.mul(tf.elu(tf.div(x, alpha)), alpha);
  }),
  Clip: unary((x, call) => clipped(x, ...call.bounds())),
  Div: withConstants((a, b) => tf.div(a, b)),
  Elu: unary((x, call) => {
    const alpha = floatOf(call.node, 'alpha', 1);
    return alpha === 1 ? tf.elu(x) : tf.add(tf.relu(x), tf.mul(tf.elu(tf.minimum(x, 0)), alpha));
  }),
  Erf: unary((x) => tf.erf(x)),
  Exp: unary((x) => tf.exp(x)),
  Gelu: unary(gelu),
  HardSigmoid: unary((x, { node }) => hardSigmoid(x, hardSigmoidOf(node))),
  HardSwish: unary((x) => tf.mul(x, hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 }))),
  LeakyRelu: unary((x, call) => tf.leakyRelu(x, floatOf(call.node, 'alpha', 0.01))),
  Log: unary((x) => tf.log(x)),
  Max: withConstants((a, b) => tf.maximum(a, b)),
  Mean: (call) => {
    const { tensors, isLast } = aligned(call.inputs());
    return {
      tensor: tf.div(
        tensors.reduce((a, b) => tf.add(a, b)),
        tensors.length,
      ),
      isLast,
    };
  },
  Min: withConstants((a, b) => tf.minimum(a, b)),
  Mish: unary((x) => tf.mul(x, tf.tanh(softplus(x)))),
  Mul: arithmetic((a, b) => tf.mul(a, b)),
  Neg: unary((x) => tf.neg(x)),
  PRelu: (call) => {
    const { tensors, isLast } = aligned([call.value(), plain(call.weight(1))]);
    return { tensor: prelu(tensors[0], tensors[1]), isLast };
  },
  Pow: pow,
  Reciprocal: unary((x) => tf.reciprocal(x)),
  Relu: unary((x) => tf.relu(x)),
  Selu: unary((x) => tf.selu(x)),
  Sigmoid: unary((x) => tf.sigmoid(x)),
  Softplus: unary(softplus),
  Softsign: unary((x) => tf.div(x, tf.add(tf.abs(x), 1))),
  Sqrt: unary((x) => tf.sqrt(x)),
  Sub: withConstants((a, b) => tf.sub(a, b)),
  Sum: withConstants((a, b) => tf.add(a, b)),
  Tanh: unary((x) => tf.tanh(x)),
} satisfies Record<string, Rule>;
