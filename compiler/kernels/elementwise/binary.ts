import { type OnnxOp, sameShape } from '../../graph/index.js';
import { isPlain, Val } from '../../values/value.js';
import type { Rule } from '../call.js';
import { gatedGradient, hardSigmoid, swish } from './activation.js';
import { broadcast, castTo, elementwise, numberLike } from './elementwise.js';

const operands = (a: Val, b: Val): [Val, Val] =>
  a.dtype === b.dtype ? [a, b] : [castTo(a, 'float32'), castTo(b, 'float32')];

const broadcastLike = (value: Val, other: Val): Val => value.broadcastTo(broadcast([value.shape, other.shape]));

const affine = (result: Val, of: Val, scale: number, offset: number): Val => {
  if (!sameShape(result.shape, of.shape)) return result;
  const inner = of.recipe;
  const made =
    inner?.kind === 'affine'
      ? { of: inner.of, scale: scale * inner.scale, offset: scale * inner.offset + offset }
      : { of, scale, offset };
  return isPlain(made.scale, made.offset) ? result.madeAs({ kind: 'affine', ...made }) : result;
};

/** Booleans are computed as integers. */
const arithmetic = (op: OnnxOp, a: Val, b: Val): Val =>
  a.dtype === 'bool'
    ? castTo(elementwise(op, [castTo(a, 'int32'), castTo(b, 'int32')]), 'bool')
    : elementwise(op, [a, b]);

export function add(x: Val, y: Val): Val {
  const [a, b] = operands(x, y);
  if (a.number === 0) return broadcastLike(b, a);
  if (b.number === 0) return broadcastLike(a, b);
  // TF.js adds gradients of several uses outside of any layer.
  const sum = a.builder.attributed(
    a.blockOrder === null ? '' : a.origin,
    () => gatedGradient(a, b) ?? arithmetic('Add', a, b),
  );
  if (b.number !== null && a.dtype === 'float32') return affine(sum, a, 1, b.number);
  return a.number !== null && a.dtype === 'float32' ? affine(sum, b, 1, a.number) : sum;
}

export function subtract(x: Val, y: Val): Val {
  const [a, b] = operands(x, y);
  if (b.number === 0) return broadcastLike(a, b);
  const difference = arithmetic('Sub', a, b);
  return b.number !== null && a.dtype === 'float32' ? affine(difference, a, 1, -b.number) : difference;
}

function scaled(value: Val, by: Val, factor: number): Val {
  if (factor === 1) return broadcastLike(value, by);
  const recognised = hardSigmoid(value, factor);
  if (recognised) return affine(broadcastLike(recognised, by), value, factor, 0);
  // One multiplication for a multiple of a multiple.
  const inner = value.recipe;
  if (inner?.kind === 'affine' && inner.offset === 0 && isPlain(inner.scale * factor, 0))
    return scaled(inner.of, numberLike(value, 1).broadcastTo(by.shape), Math.fround(inner.scale * factor));
  const factorValue = numberLike(value, factor).broadcastTo(by.shape);
  return affine(elementwise('Mul', [value, factorValue]), value, factor, 0);
}

export function multiply(x: Val, y: Val): Val {
  const [a, b] = operands(x, y);
  if (a.dtype !== 'float32') return arithmetic('Mul', a, b);
  if (b.number !== null) return scaled(a, b, b.number);
  if (a.number !== null) return scaled(b, a, a.number);
  const product = swish(a, b) ?? elementwise('Mul', [a, b]);
  return product.madeAs({ kind: 'product', a, b });
}

export function divide(x: Val, y: Val): Val {
  const [a, b] = [castTo(x, 'float32'), castTo(y, 'float32')];
  if (b.number === null || !isPlain(1 / b.number, 0)) return elementwise('Div', [a, b]);
  const inverse = numberLike(a, Math.fround(1 / b.number)).broadcastTo(b.shape);
  return scaled(a, inverse, Math.fround(1 / b.number));
}

/** Quotient rounded down, an integer for all operands, as in TF.js. */
function floorDivide(x: Val, y: Val): Val {
  const [a, b] = operands(x, y);
  if (a.dtype === 'int32' && !(a.data && b.data)) return floorDivideIntegers(a, b);
  return castTo(elementwise('Floor', [elementwise('Div', [castTo(a, 'float32'), castTo(b, 'float32')])]), 'int32');
}

/** In 64 bits, where no quotient overflows. By 0 it is 0, as in TF.js; ONNX Runtime would end the process. */
function floorDivideIntegers(a: Val, b: Val): Val {
  const { builder } = a;
  const long = (name: string): string => builder.cast(name, 'int64');
  const [x, y, zero, one] = [a.fullForm(), b.fullForm(), builder.scalar(0, 'int32'), builder.scalar(1, 'int32')].map(
    long,
  );
  const byZero = builder.emit('Equal', [y, zero]);
  const divisor = builder.emit('Where', [byZero, one, y]);
  const quotient = builder.emit('Div', [x, divisor]);
  const rest = builder.emit('Sub', [x, builder.emit('Mul', [quotient, divisor])]);
  // ONNX rounds towards 0: one too many where the rest and the divisor differ in sign.
  const above = long(builder.emit('Less', [builder.emit('Mul', [rest, divisor]), zero]));
  const rounded = builder.emit('Sub', [quotient, above]);
  const name = builder.cast(builder.emit('Where', [byZero, zero, rounded]), 'int32');
  return Val.of(builder, name, broadcast([a.shape, b.shape]), 'int32');
}

function power(x: Val, y: Val): Val {
  const [a, b] = operands(x, y);
  if (b.number === 1) return broadcastLike(a, b);
  if (b.number === 2) return broadcastLike(elementwise('Mul', [a, a]), b);
  return elementwise('Pow', [a, b]);
}

const comparable = (x: Val, y: Val): [Val, Val] => {
  const [a, b] = operands(x, y);
  return a.dtype === 'bool' ? [castTo(a, 'int32'), castTo(b, 'int32')] : [a, b];
};

export const compare = (op: 'Equal' | 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual', x: Val, y: Val): Val =>
  elementwise(op, comparable(x, y));

const two =
  (f: (a: Val, b: Val) => Val): Rule =>
  (call) =>
    f(call.value('a'), call.value('b'));
const same =
  (op: OnnxOp): Rule =>
  (call) =>
    elementwise(op, operands(call.value('a'), call.value('b')));

export const binaryRules = {
  Add: two(add),
  AddN: (call) => call.values().reduce(add),
  Equal: two((a, b) => compare('Equal', a, b)),
  FloorDiv: two(floorDivide),
  Greater: two((a, b) => compare('Greater', a, b)),
  GreaterEqual: two((a, b) => compare('GreaterOrEqual', a, b)),
  Less: two((a, b) => compare('Less', a, b)),
  LessEqual: two((a, b) => compare('LessOrEqual', a, b)),
  LogicalAnd: same('And'),
  LogicalOr: same('Or'),
  Maximum: two((a, b) => arithmetic('Max', ...operands(a, b))),
  Minimum: two((a, b) => arithmetic('Min', ...operands(a, b))),
  Multiply: two(multiply),
  NotEqual: two((a, b) => elementwise('Not', [compare('Equal', a, b)])),
  Pow: two(power),
  RealDiv: two(divide),
  SquaredDifference: two((a, b) => {
    const difference = subtract(a, b);
    return multiply(difference, difference);
  }),
  Sub: two(subtract),
} satisfies Record<string, Rule>;
