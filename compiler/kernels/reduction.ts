import * as tf from '@tensorflow/tfjs-core';
import { type GraphBuilder, int, type OnnxOp, range, sizeOf } from '../graph/index.js';
import { permute } from '../values/layout.js';
import { Val } from '../values/value.js';
import { type Rule, withAttrs } from './call.js';
import { castTo, elementwise, numberLike } from './elementwise/elementwise.js';
import { multiply } from './elementwise/binary.js';
import { blockedReduce } from './statistics/sums.js';

type ReduceOp = Extract<OnnxOp, 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd'>;

const reduceAt = (
  builder: GraphBuilder,
  op: ReduceOp,
  name: string,
  positions: readonly number[],
  keep: boolean,
): string => {
  const attributes = { keepdims: int(keep ? 1 : 0) };
  // Opset 18 takes axes as an input for all reductions.
  return builder.emit(op, [name, builder.integers(positions)], attributes);
};

/**
 * Removes the axes at these positions. A leading axis together with trailing ones (NCHW over N, H, W) is reduced in two
 * stages, 1.5 to 2 times faster than in one.
 */
export function reduceAway(builder: GraphBuilder, op: ReduceOp, name: string, positions: readonly number[]): string {
  const shape = builder.shapeOf(name);
  const isTail = (position: number): boolean =>
    range(shape.length - position).every((i) => positions.includes(position + i));
  const tail = positions.filter(isTail);
  const head = positions.filter((position) => !isTail(position));
  const leading = sizeOf(head.map((position) => shape[position]));
  if (tail.length === 0 || head.length === 0 || leading === 1) return reduceAt(builder, op, name, positions, false);
  const first = Math.min(...tail);
  const flat = builder.reshape(name, [...shape.slice(0, first), sizeOf(shape.slice(first))]);
  return reduceAt(builder, op, reduceAt(builder, op, flat, [first], false), head, false);
}

/** Reduces axes of a value; sums and products over lazily broadcast axes become multiplications and powers. */
export function reduce(
  op: ReduceOp,
  x: Val,
  axis: number | readonly number[] | null | undefined,
  keepDims: boolean,
): Val {
  const axes = tf.util.parseAxisParam([axis ?? range(x.rank)].flat(), [...x.shape]);
  const { stored, shape } = x;
  const kept = shape.map((d, a) => (axes.includes(a) ? 1 : d));
  const final = keepDims ? kept : shape.filter((_, a) => !axes.includes(a));
  const blocked = blockedReduce(op, x, axes);
  if (blocked) return blocked.reshaped(final);
  const repeats = sizeOf(axes.filter((a) => stored[a] === 1).map((a) => shape[a]));
  const result = axes.every((a) => stored[a] === 1) ? x.relabelled(kept) : reduceStored(op, x, axes, keepDims);
  return repeated(op, result, repeats).reshaped(final);
}

function reduceStored(op: ReduceOp, x: Val, axes: readonly number[], keepDims: boolean): Val {
  const { builder, stored, shape } = x;
  const perm = x.perm ?? range(x.rank);
  const at = (list: readonly number[]): number[] => list.map((a) => perm.indexOf(a)).sort((p, q) => p - q);
  if (keepDims) {
    const real = axes.filter((a) => stored[a] !== 1);
    const name = reduceAt(builder, op, x.form(perm), at(real), true);
    const one = (d: number, a: number): number => (axes.includes(a) ? 1 : d);
    return Val.of(builder, name, shape.map(one), x.dtype, perm, stored.map(one));
  }
  const left = range(x.rank).filter((a) => !axes.includes(a));
  const leftPerm = perm.filter((a) => !axes.includes(a)).map((a) => left.indexOf(a));
  const name = reduceAway(builder, op, x.form(perm), at(axes));
  return Val.of(builder, name, permute(shape, left), x.dtype, leftPerm, permute(stored, left));
}

function repeated(op: ReduceOp, value: Val, times: number): Val {
  if (times === 1) return value;
  if (op === 'ReduceSum') return multiply(value, numberLike(value, times));
  return op === 'ReduceProd' ? elementwise('Pow', [value, numberLike(value, times)]) : value;
}

function argExtremum(op: 'ArgMax' | 'ArgMin', x: Val, axis: number | readonly number[]): Val {
  const { builder } = x;
  const [at] = tf.util.parseAxisParam([axis].flat(), [...x.shape]);
  const perm = x.perm ?? range(x.rank);
  const index = builder.emit(op, [x.fullForm(perm)], { axis: int(perm.indexOf(at)), keepdims: int(0) });
  const left = range(x.rank).filter((a) => a !== at);
  const leftPerm = perm.filter((a) => a !== at).map((a) => left.indexOf(a));
  return Val.of(builder, builder.cast(index, 'int32'), permute(x.shape, left), 'int32', leftPerm);
}

const numeric = (x: Val): Val => (x.dtype === 'bool' ? castTo(x, 'int32') : x);

const rule = (op: ReduceOp): Rule =>
  withAttrs((call, { axis, keepDims }: tf.SumAttrs) => reduce(op, numeric(call.value('x')), axis, keepDims));

const overBooleans = (op: ReduceOp): Rule =>
  withAttrs((call, { axis, keepDims }: tf.AllAttrs) =>
    castTo(reduce(op, castTo(call.value('x'), 'int32'), axis, keepDims), 'bool'),
  );

export const reductionRules = {
  All: overBooleans('ReduceMin'),
  Any: overBooleans('ReduceMax'),
  ArgMax: withAttrs((call, { axis }: tf.ArgMaxAttrs) => argExtremum('ArgMax', call.value('x'), axis)),
  ArgMin: withAttrs((call, { axis }: tf.ArgMinAttrs) => argExtremum('ArgMin', call.value('x'), axis)),
  Max: withAttrs((call, { reductionIndices, keepDims }: tf.MaxAttrs) =>
    reduce('ReduceMax', numeric(call.value('x')), reductionIndices, keepDims),
  ),
  Mean: withAttrs((call, { axis, keepDims }: tf.MeanAttrs) =>
    reduce('ReduceMean', castTo(call.value('x'), 'float32'), axis, keepDims),
  ),
  Min: rule('ReduceMin'),
  Prod: rule('ReduceProd'),
  Sum: rule('ReduceSum'),
} satisfies Record<string, Rule>;

const softmax = (op: 'Softmax' | 'LogSoftmax', x: Val, axis: number): Val => {
  const { builder } = x;
  const at = axis < 0 ? axis + x.rank : axis;
  return Val.of(builder, builder.emit(op, [x.fullForm()], { axis: int(at) }), x.shape, 'float32');
};

export const softmaxRules = {
  LogSoftmax: withAttrs((call, { axis }: tf.LogSoftmaxAttrs) => softmax('LogSoftmax', call.value('logits'), axis)),
  Softmax: withAttrs((call, { dim }: tf.SoftmaxAttrs) => softmax('Softmax', call.value('logits'), dim)),
} satisfies Record<string, Rule>;
