import type * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../../base/errors.js';
import { float, sameShape } from '../../graph/index.js';
import { plainOffset, Val } from '../../values/value.js';
import { one, type Rule, withAttrs } from '../call.js';
import { castTo, elementwise, numberLike } from './elementwise.js';
import { affine } from '../blocked/in-blocks.js';

function relu(x: Val): Val {
  return elementwise('Relu', [x]).madeAs({ kind: 'relu', of: x });
}

/** clip(x, low, high); drops a preceding ReLU that the clip makes superfluous. */
export function clip(x: Val, low: number, high: number): Val {
  const of = x.recipe?.kind === 'relu' && low === 0 ? x.recipe.of : x;
  const known = of.number;
  if (known !== null) return Val.fill(x.builder, Math.min(Math.max(known, low), high), x.shape, x.dtype);
  return elementwise('Clip', [of, numberLike(of, low), numberLike(of, high)]).madeAs({ kind: 'clip', of, low, high });
}

/** `factor * x` for x = clip(a*z + b, 0, 1/factor): the hard sigmoid of z in one node. Null for other values. */
export function hardSigmoid(x: Val, factor: number): Val | null {
  const clipped = x.recipe;
  if (clipped?.kind !== 'clip' || clipped.low !== 0 || !isNarrow(0, clipped.high)) return null;
  if (Math.abs(clipped.high * factor - 1) > 1e-6) return null;
  const inner = clipped.of.recipe;
  if (inner?.kind !== 'affine') return null;
  const attributes = { alpha: float(inner.scale * factor), beta: float(inner.offset * factor) };
  return elementwise('HardSigmoid', [inner.of], attributes);
}

/** A power of two: products with the bounds of a window are exact, and finite for narrow windows. */
const steep = 2 ** 100;
/** Its product with any normal positive number is at least 1. */
const steepest = 2 ** 127;

/** Whether a float32 near a bound is told from it by its distance to the middle: not by wide, infinite or tiny windows. */
const isNarrow = (low: number, high: number): boolean =>
  Math.max(Math.abs(low), Math.abs(high)) <= plainOffset && high - low >= 2 ** -10;

/** The distance of z from a number. */
const distance = (z: Val, from: number): Val =>
  elementwise('Abs', [from === 0 ? z : elementwise('Sub', [z, numberLike(z, from)])]);

/** 1 where low < z < high, else 0; without boolean tensors, which ONNX Runtime handles slowly. */
export function window(z: Val, low: number, high: number): Val {
  if (!isNarrow(low, high)) {
    const inside = [elementwise('Greater', [z, numberLike(z, low)]), elementwise('Less', [z, numberLike(z, high)])];
    return castTo(elementwise('And', inside), 'float32');
  }
  const [middle, radius] = [(low + high) / 2, (high - low) / 2];
  return elementwise('HardSigmoid', [distance(z, middle)], {
    alpha: float(-steep),
    beta: float(steep * radius),
  });
}

const positive = (y: Val): Val => elementwise('HardSigmoid', [y], { alpha: float(steepest), beta: float(0) });

/** The gradient `dy` where low < scale*of + offset < high for z = scale*of + offset; null where only z tells. */
function windowBefore(dy: Val, { recipe: inner }: Val, low: number, high: number): Val | null {
  if (inner?.kind !== 'affine') return null;
  const { of } = inner;
  const bounds = [(low - inner.offset) / inner.scale, (high - inner.offset) / inner.scale];
  const [from, to] = [Math.min(...bounds), Math.max(...bounds)];
  if (!isNarrow(from, to)) return null;
  return elementwise('Mul', [window(of, from, to), dy]).madeAs({ kind: 'window', dy, of, low: from, high: to });
}

/** Gradient of y = clip(z, low, high); the bounds themselves may be excluded. */
const windowGradient = (dy: Val, z: Val, y: Val, low: number, high: number): Val =>
  windowBefore(dy, z, low, high) ?? elementwise('Mul', [window(y, low, high), dy]);

function sigmoid(x: Val): Val {
  return elementwise('Sigmoid', [x]).madeAs({ kind: 'sigmoid', of: x });
}

/** dy * y * (1 - y) */
function sigmoidGradient(dy: Val, y: Val): Val {
  const slope = elementwise('Mul', [y, elementwise('Sub', [numberLike(y, 1), y])]);
  return elementwise('Mul', [dy, slope]).madeAs({ kind: 'sigmoid-gradient', dy, y });
}

function reluGradient(dy: Val, x: Val, y: Val): Val {
  const outer = dy.recipe;
  if (outer?.kind === 'clip-gradient') {
    const clipped = outer.clipped.recipe;
    if (clipped?.kind === 'clip' && clipped.of === x)
      return windowGradient(outer.dy, x, outer.clipped, clipped.low, clipped.high);
  }
  return elementwise('Mul', [positive(y), dy]);
}

function clipGradient(dy: Val, x: Val, y: Val, low: number, high: number): Val {
  const before = windowBefore(dy, x, low, high);
  if (before) return before;
  const inside = castTo(elementwise('Equal', [x, y]), 'float32');
  return elementwise('Mul', [inside, dy]).madeAs({ kind: 'clip-gradient', dy, clipped: y });
}

function step(x: Val, alpha: number): Val {
  const ones = castTo(elementwise('Greater', [x, numberLike(x, 0)]), 'float32');
  if (alpha === 0) return ones;
  const scaled = elementwise('Mul', [ones, Val.fill(x.builder, 1 - alpha, [], 'float32')]);
  return elementwise('Add', [scaled, Val.fill(x.builder, alpha, [], 'float32')]);
}

/** max(x, 0) + alpha * min(x, 0) */
const prelu = (x: Val, alpha: Val): Val => {
  const zero = numberLike(x, 0);
  const negative = elementwise('Mul', [alpha, elementwise('Min', [x, zero])]);
  return elementwise('Add', [elementwise('Max', [x, zero]), negative]);
};

const leakyRelu = (x: Val, alpha: number): Val => elementwise('LeakyRelu', [x], { alpha: float(alpha) });

/** An activation that TF.js fused into a convolution or matrix product. */
export function activate(
  x: Val,
  name: string | null | undefined,
  slope: Val | null,
  leakyAlpha: number | undefined,
): Val {
  switch (name) {
    case undefined:
    case null:
    case 'linear':
      return x;
    case 'relu':
      return relu(x);
    case 'relu6':
      return clip(x, 0, 6);
    case 'elu':
      return elementwise('Elu', [x]);
    case 'sigmoid':
      return elementwise('Sigmoid', [x]);
    case 'leakyrelu':
      return leakyRelu(x, leakyAlpha ?? 0.2);
    case 'prelu':
      if (slope) return prelu(x, slope);
      break;
  }
  throw invalidInput(`the fused activation '${name}' cannot be traced`);
}

export const activationRules = {
  ClipByValue: withAttrs((call, { clipValueMin, clipValueMax }: tf.ClipByValueAttrs) =>
    clip(call.value('x'), clipValueMin, clipValueMax),
  ),
  Elu: one((x) => elementwise('Elu', [x])),
  /** dy * (y >= 0 ? 1 : y + 1) */
  EluGrad: (call) => {
    const [dy, y] = [call.value('dy'), call.value('y')];
    const slope = elementwise('Add', [elementwise('Min', [y, numberLike(y, 0)]), numberLike(y, 1)]);
    return elementwise('Mul', [dy, slope]);
  },
  LeakyRelu: withAttrs((call, { alpha }: tf.LeakyReluAttrs) => leakyRelu(call.value('x'), alpha)),
  Prelu: (call) => prelu(call.value('x'), call.value('alpha')),
  Relu: one(relu),
  Relu6: one((x) => clip(x, 0, 6)),
  Selu: one((x) => elementwise('Selu', [x])),
  Sigmoid: one(sigmoid),
  Softplus: one((x) => elementwise('Softplus', [x])),
  Step: withAttrs((call, { alpha }: tf.StepAttrs) => step(call.value('x'), alpha)),
  Tanh: one((x) => elementwise('Tanh', [x])),
} satisfies Record<string, Rule>;

/** Gradients that trace/gradients.ts records instead of TF.js's longer ones. */
export const activationGradientRules = {
  NasSigmoidGrad: (call) => sigmoidGradient(call.value('dy'), call.value('y')),
  NasReluGrad: (call) => reluGradient(call.value('dy'), call.value('x'), call.value('y')),
  NasRelu6Grad: (call) => windowGradient(call.value('dy'), call.value('x'), call.value('y'), 0, 6),
  NasClipGrad: withAttrs((call, { clipValueMin, clipValueMax }: tf.ClipByValueAttrs) =>
    clipGradient(call.value('dy'), call.value('x'), call.value('y'), clipValueMin, clipValueMax),
  ),
} satisfies Record<string, Rule>;

// Gated activations z*g(z): TF.js writes their gradients as the sums and products of the product rule. Recognised by the
// recipes of their parts, they take half the passes over memory.

/** z * sigmoid(z) in one operator of ONNX Runtime's CPU provider; null for other products. */
export function swish(a: Val, b: Val): Val | null {
  if (a.builder.block === null) return null;
  for (const [z, gate] of [
    [a, b],
    [b, a],
  ])
    if (gate.recipe?.kind === 'sigmoid' && gate.recipe.of === z && sameShape(z.shape, z.stored))
      return elementwise('QuickGelu', [z], { alpha: float(1) });
  return null;
}

/** b when `value` is the product factor * b; null otherwise. */
function otherFactor(value: Val, factor: Val): Val | null {
  const { recipe } = value;
  if (recipe?.kind !== 'product') return null;
  if (recipe.a === factor) return recipe.b;
  return recipe.b === factor ? recipe.a : null;
}

/** addend + factor*x + offset, in one pass in the blocked layout. */
function scaledSum(x: Val, factor: number, addend: Val, offset: number): Val {
  if (x.blockOrder !== null) return affine(x, { scale: factor, ...(offset !== 0 && { offset }), addend });
  const sum =
    factor === -1
      ? elementwise('Sub', [addend, x])
      : elementwise('Add', [elementwise('Mul', [x, numberLike(x, factor)]), addend]);
  return offset === 0 ? sum : elementwise('Add', [sum, numberLike(x, offset)]);
}

/** With s = sigmoid(z) and h = z*s: the gradient dy*s + dy*z*s*(1-s) = dy*s*(1 + z - h). */
function swishGradient(a: Val, b: Val): Val | null {
  const { recipe } = b;
  if (recipe?.kind !== 'sigmoid-gradient' || recipe.y.recipe?.kind !== 'sigmoid') return null;
  const [s, z] = [recipe.y, recipe.y.recipe.of];
  const dy = otherFactor(a, s);
  if (!dy || otherFactor(recipe.dy, z) !== dy) return null;
  const h = swish(z, s) ?? elementwise('Mul', [z, s]);
  return elementwise('Mul', [elementwise('Mul', [dy, s]), scaledSum(h, -1, z, 1)]);
}

/** With g = hard sigmoid(z), whose slope is `scale` where low < z < high: dy*g + scale*dy*z*w = dy*(g + scale*z*w). */
function hardSwishGradient(a: Val, b: Val): Val | null {
  const inner = b.recipe;
  if (inner?.kind !== 'window' || inner.dy.recipe?.kind !== 'affine' || inner.dy.recipe.offset !== 0) return null;
  const { of: product, scale } = inner.dy.recipe;
  const z = inner.of;
  const dy = otherFactor(product, z);
  const gate = dy && otherFactor(a, dy);
  if (!gate || !sameShape(gate.shape, z.shape)) return null;
  const slope = elementwise('Mul', [z, window(z, inner.low, inner.high)]);
  return elementwise('Mul', [dy, scaledSum(slope, scale, gate, 0)]);
}

/** The sum of two parts of a gated activation's gradient; null for other sums. */
export const gatedGradient = (a: Val, b: Val): Val | null =>
  swishGradient(a, b) ?? swishGradient(b, a) ?? hardSwishGradient(a, b) ?? hardSwishGradient(b, a);
