import * as tf from '@tensorflow/tfjs-core';
import { int, range, sameShape, sizeOf, string } from '../graph/index.js';
import { isIdentity, permute } from '../values/layout.js';
import { Val } from '../values/value.js';
import { withAttrs, type Rule } from './call.js';
import { commonPerm } from './elementwise/elementwise.js';

export const axisIn = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export function concat(values: readonly Val[], axis: number): Val {
  const parts = values.filter(({ shape }) => sizeOf(shape) > 0);
  const [first] = parts;
  if (parts.length === 1) return first;
  const at = axisIn(axis, first.rank);
  const total = parts.reduce((sum, { shape }) => sum + shape[at], 0);
  const shape = first.shape.with(at, total);
  const perm = commonPerm(parts, first.rank, shape);
  const inputs = parts.map((part) => part.fullForm(perm));
  const name = first.builder.emit('Concat', inputs, { axis: int(perm.indexOf(at)) });
  return Val.of(first.builder, name, shape, first.dtype, perm);
}

/** The part of `size` at `begin`; lazily broadcast axes only change their length. */
export function slice(value: Val, begin: readonly number[], size: readonly number[]): Val {
  if (sameShape(size, value.shape)) return value;
  const { builder, stored } = value;
  const perm = value.perm ?? range(value.rank);
  const cut = range(value.rank).filter((axis) => stored[axis] !== 1 && stored[axis] !== size[axis]);
  if (cut.length === 0) return value.relabelled(size);
  const positions = cut.map((axis) => perm.indexOf(axis)).sort((a, b) => a - b);
  const axes = positions.map((position) => perm[position]);
  const name = builder.slice(
    value.form(perm),
    positions,
    axes.map((axis) => begin[axis]),
    axes.map((axis) => begin[axis] + size[axis]),
  );
  const left = stored.map((d, axis) => (d === 1 ? 1 : size[axis]));
  return Val.of(builder, name, size, value.dtype, perm, left);
}

/** Parts of these sizes along an axis. */
function split(value: Val, sizes: readonly number[], axis: number): Val[] {
  let offset = 0;
  return sizes.map((size) => {
    const begin = value.shape.map((_, at) => (at === axis ? offset : 0));
    offset += size;
    return slice(value, begin, value.shape.with(axis, size));
  });
}

/** Pads in logical axis order. */
export function pad(value: Val, pads: readonly (readonly [number, number])[], fill = 0): Val {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return value;
  const { builder } = value;
  const perm = value.perm ?? range(value.rank);
  const ordered = permute(pads, perm);
  const amounts = builder.integers([...ordered.map(([before]) => before), ...ordered.map(([, after]) => after)]);
  const inputs = [value.fullForm(perm), amounts, builder.scalar(fill, value.dtype)];
  const name = builder.emit('Pad', inputs, { mode: string('constant') });
  const shape = value.shape.map((d, axis) => d + pads[axis][0] + pads[axis][1]);
  return Val.of(builder, name, shape, value.dtype, perm);
}

/** Every `stride`-th element from `begin` up to `end`, along each axis; a stride may be negative. */
export function strided(value: Val, begin: readonly number[], end: readonly number[], strides: readonly number[]): Val {
  const { builder, shape } = value;
  const axes = range(value.rank).filter(
    (axis) => begin[axis] !== 0 || end[axis] !== shape[axis] || strides[axis] !== 1,
  );
  if (axes.length === 0) return value;
  // ONNX expresses an end before the first element as a negative number beyond the size.
  const ends = end.map((e, axis) => (e < 0 && strides[axis] < 0 ? -shape[axis] - 1 : e));
  const [from, to, by] = [begin, ends, strides].map((numbers) => permute(numbers, axes));
  const name = builder.slice(value.fullForm(), axes, from, to, by);
  return Val.of(builder, name, builder.shapeOf(name), value.dtype);
}

export function reverse(value: Val, axes: readonly number[]): Val {
  if (axes.length === 0) return value;
  const end = value.shape.map((d, axis) => (axes.includes(axis) ? -1 : d));
  const begin = value.shape.map((d, axis) => (axes.includes(axis) ? d - 1 : 0));
  const strides = value.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1));
  return strided(value, begin, end, strides);
}

function tile(value: Val, repeats: readonly number[]): Val {
  const shape = value.shape.map((d, axis) => d * repeats[axis]);
  if (value.shape.every((d, axis) => repeats[axis] === 1 || d === 1)) return value.broadcastTo(shape);
  const { builder } = value;
  const perm = value.perm ?? range(value.rank);
  const name = builder.emit('Tile', [value.fullForm(perm), builder.integers(permute(repeats, perm))]);
  return Val.of(builder, name, shape, value.dtype, perm);
}

export const shapeRules = {
  BroadcastTo: withAttrs((call, { shape }: tf.BroadCastToAttrs) => call.value('x').broadcastTo(shape)),
  Concat: withAttrs((call, { axis }: tf.ConcatAttrs) => concat(call.values(), axis)),
  ExpandDims: withAttrs((call, { dim }: tf.ExpandDimsAttrs) => {
    const x = call.value('input');
    return x.reshaped(x.shape.toSpliced(dim < 0 ? x.rank + 1 + dim : dim, 0, 1));
  }),
  Pack: withAttrs((call, { axis }: tf.PackAttrs) => {
    const values = call.values();
    const at = axisIn(axis, values[0].rank + 1);
    return concat(
      values.map((value) => value.reshaped(value.shape.toSpliced(at, 0, 1))),
      at,
    );
  }),
  PadV2: withAttrs((call, { paddings, constantValue }: tf.PadV2Attrs) => pad(call.value('x'), paddings, constantValue)),
  Reshape: withAttrs((call, { shape }: tf.ReshapeAttrs) => {
    const x = call.value('x');
    return x.reshaped(tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));
  }),
  Reverse: withAttrs((call, { dims }: tf.ReverseAttrs) => {
    const x = call.value('x');
    return reverse(x, tf.util.parseAxisParam(dims, [...x.shape]));
  }),
  Slice: withAttrs((call, { begin, size }: tf.SliceAttrs) => {
    const x = call.value('x');
    const axes = range(x.rank);
    const [begins, sizes] = [[begin].flat(), [size].flat()];
    const from = axes.map((axis) => begins[axis] ?? 0);
    return slice(
      x,
      from,
      axes.map((axis) => ((sizes[axis] ?? -1) < 0 ? x.shape[axis] - from[axis] : sizes[axis])),
    );
  }),
  SplitV: withAttrs((call, { numOrSizeSplits, axis }: tf.SplitVAttrs) => {
    const x = call.value('x');
    const at = axisIn(axis, x.rank);
    const sizes =
      typeof numOrSizeSplits === 'number'
        ? new Array<number>(numOrSizeSplits).fill(x.shape[at] / numOrSizeSplits)
        : numOrSizeSplits;
    const rest = x.shape[at] - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
    return split(
      x,
      sizes.map((size) => (size < 0 ? rest : size)),
      at,
    );
  }),
  Tile: withAttrs((call, { reps }: tf.TileAttrs) => tile(call.value('x'), reps)),
  Transpose: withAttrs((call, { perm }: Partial<tf.TransposeAttrs>) => {
    const x = call.value('x');
    const axes = perm ?? range(x.rank).reverse();
    return isIdentity(axes) ? x : x.transposed(axes);
  }),
  Unpack: withAttrs((call, { axis }: tf.UnpackAttrs) => {
    const x = call.value('value');
    const at = axisIn(axis, x.rank);
    const parts = split(x, new Array<number>(x.shape[at]).fill(1), at);
    return parts.map((part) => part.reshaped(x.shape.toSpliced(at, 1)));
  }),
} satisfies Record<string, Rule>;
