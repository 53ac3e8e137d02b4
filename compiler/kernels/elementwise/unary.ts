import type * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../../base/errors.js';
import { range, requireDtype, sizeOf, type OnnxOp } from '../../graph/index.js';
import { Val } from '../../values/value.js';
import { one, type Rule, withAttrs } from '../call.js';
import { castTo, elementwise, numberLike } from './elementwise.js';

/** An operator of the same meaning in ONNX, on floats. */
const float = (op: OnnxOp): Rule => one((x) => elementwise(op, [castTo(x, 'float32')]));
/** An operator of the same meaning in ONNX, on any number. */
const numeric = (op: OnnxOp): Rule => one((x) => elementwise(op, [x.dtype === 'bool' ? castTo(x, 'int32') : x]));
/** Rounding leaves integers alone. */
const rounding = (op: OnnxOp): Rule => one((x) => (x.dtype === 'float32' ? elementwise(op, [x]) : x));

const filled = (x: Val, number: number): Val => Val.fill(x.builder, number, x.shape, x.dtype);

function select(condition: Val, then: Val, otherwise: Val): Val {
  const short = condition.rank > 0 && condition.rank < then.rank;
  const shape = [...condition.shape, ...new Array<number>(then.rank - condition.rank).fill(1)];
  const [a, b] =
    then.dtype === otherwise.dtype ? [then, otherwise] : [castTo(then, 'float32'), castTo(otherwise, 'float32')];
  const isSingle = condition.stored.every((d) => d === 1) && sizeOf(condition.shape) > 1;
  if (isSingle) return elementwise('Where', [condition.relabelled(condition.stored).reshaped([]), a, b]);
  return elementwise('Where', [short ? condition.reshaped(shape) : condition, a, b]);
}

/** exp(x) - 1 = tanh(x/2) * (exp(x) + 1): without the difference, which is 0 for tiny x. */
function expm1(x: Val): Val {
  const half = elementwise('Tanh', [elementwise('Mul', [x, numberLike(x, 0.5)])]);
  return elementwise('Mul', [half, elementwise('Add', [elementwise('Exp', [x]), numberLike(x, 1)])]);
}

/** log(1 + x), and what rounding 1 + x loses of an x near 0. */
function log1p(x: Val): Val {
  const unit = numberLike(x, 1);
  const near = elementwise('Clip', [x, numberLike(x, -0.5), unit]);
  const sum = elementwise('Add', [near, unit]);
  const lost = elementwise('Sub', [near, elementwise('Sub', [sum, unit])]);
  const log = elementwise('Log', [elementwise('Add', [x, unit])]);
  return elementwise('Add', [log, elementwise('Div', [lost, sum])]);
}

export const unaryRules = {
  Abs: numeric('Abs'),
  Cast: withAttrs((call, { dtype }: tf.CastAttrs) => castTo(call.value('x'), requireDtype(dtype))),
  Ceil: rounding('Ceil'),
  Cos: float('Cos'),
  Erf: float('Erf'),
  Exp: float('Exp'),
  Expm1: one(expm1),
  Floor: rounding('Floor'),
  Identity: one((x) => x),
  Log: float('Log'),
  Log1p: one(log1p),
  LogicalNot: one((x) => elementwise('Not', [x])),
  Neg: numeric('Neg'),
  OnesLike: one((x) => filled(x, 1)),
  Reciprocal: float('Reciprocal'),
  Round: rounding('Round'),
  Rsqrt: one((x) => elementwise('Reciprocal', [elementwise('Sqrt', [x])])),
  Select: (call) => select(call.value('condition'), call.value('t'), call.value('e')),
  Sign: numeric('Sign'),
  Sin: float('Sin'),
  Sqrt: float('Sqrt'),
  Square: one((x) => elementwise('Mul', [x, x])),
  ZerosLike: one((x) => filled(x, 0)),
} satisfies Record<string, Rule>;

export const creationRules = {
  Fill: withAttrs((call, { shape, value, dtype }: tf.FillAttrs) => {
    if (typeof value === 'string') throw invalidInput('string tensors cannot be traced');
    return Val.fill(call.builder, value, shape, requireDtype(dtype));
  }),
  Range: withAttrs((call, { start, stop, step, dtype }: tf.RangeAttrs) => {
    const count = Math.max(0, Math.ceil((stop - start) / step));
    const numbers = range(count).map((i) => start + i * step);
    return dtype === 'int32'
      ? Val.constant(call.builder, Int32Array.from(numbers), [count], 'int32')
      : Val.constant(call.builder, Float32Array.from(numbers), [count], 'float32');
  }),
} satisfies Record<string, Rule>;
