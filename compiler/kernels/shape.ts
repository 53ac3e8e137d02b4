import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { int, range, sameShape, sizeOf, string } from '../graph/index.js';
import { isIdentity, permute } from '../values/layout.js';
import { Val } from '../values/value.js';
import type { Rule } from './call.js';
import { withAttrs } from './call.js';
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
    const begin = new Array<number>(value.rank).fill(0).with(axis, offset);
    offset += size;
    return slice(value, begin, value.shape.with(axis, size));
  });
}

/** Pads in logical axis order. */
export function pad(
  value: Val,
  pads: readonly (readonly [number, number])[],
  mode: 'constant' | 'reflect',
  fill = 0,
): Val {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return value;
  const { builder } = value;
  const perm = value.perm ?? range(value.rank);
  const ordered = permute(pads, perm);
  const amounts = builder.integers([...ordered.map(([before]) => before), ...ordered.map(([, after]) => after)]);
  const inputs = [value.fullForm(perm), amounts];
  const name = builder.emit('Pad', mode === 'constant' ? [...inputs, builder.scalar(fill, value.dtype)] : inputs, {
    mode: string(mode),
  });
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

/** Moves blocks of the batch into space (TensorFlow's definition). */
function batchToSpace(x: Val, block: readonly number[], crops: readonly (readonly number[])[]): Val {
  const [batch, ...rest] = x.shape;
  const area = sizeOf(block);
  const m = block.length;
  const split = x.reshaped([...block, batch / area, ...rest]);
  const order = [m, ...range(m).flatMap((i) => [m + 1 + i, i]), ...range(rest.length - m).map((i) => 2 * m + 1 + i)];
  const spatial = block.map((b, i) => b * rest[i]);
  const merged = split.transposed(order).reshaped([batch / area, ...spatial, ...rest.slice(m)]);
  const begin = [0, ...crops.map(([before]) => before), ...rest.slice(m).map(() => 0)];
  const size = [batch / area, ...spatial.map((d, i) => d - crops[i][0] - crops[i][1]), ...rest.slice(m)];
  return slice(merged, begin, size);
}

function spaceToBatch(x: Val, block: readonly number[], paddings: readonly (readonly number[])[]): Val {
  const pads = x.shape.map((_, axis): [number, number] => {
    const amounts = axis > 0 ? paddings[axis - 1] : undefined;
    return amounts ? [amounts[0], amounts[1]] : [0, 0];
  });
  const padded = pad(x, pads, 'constant');
  const [batch, ...rest] = padded.shape;
  const m = block.length;
  const split = padded.reshaped([batch, ...block.flatMap((b, i) => [rest[i] / b, b]), ...rest.slice(m)]);
  const order = [
    ...range(m).map((i) => 2 + 2 * i),
    0,
    ...range(m).map((i) => 1 + 2 * i),
    ...range(rest.length - m).map((i) => 1 + 2 * m + i),
  ];
  const shape = [batch * sizeOf(block), ...block.map((b, i) => rest[i] / b), ...rest.slice(m)];
  return split.transposed(order).reshaped(shape);
}

/** Moves blocks of channels into space (NHWC). */
function depthToSpace(x: Val, block: number): Val {
  const [n, h, w, c] = x.shape;
  const depth = c / (block * block);
  const split = x.reshaped([n, h, w, block, block, depth]);
  return split.transposed([0, 1, 3, 2, 4, 5]).reshaped([n, h * block, w * block, depth]);
}

function mirrorIndices(length: number, before: number, after: number, symmetric: boolean): number[] {
  const edge = symmetric ? 1 : 0;
  return range(before + length + after).map((i) => {
    const at = i - before;
    if (at < 0) return -at - edge;
    return at < length ? at : 2 * length - 2 - at + edge;
  });
}

export const shapeRules = {
  BatchToSpaceND: withAttrs<tf.BatchToSpaceNDAttrs>((call, { blockShape, crops }) =>
    batchToSpace(call.value('x'), blockShape, crops),
  ),
  BroadcastTo: withAttrs<tf.BroadCastToAttrs>((call, { shape }) => call.value('x').broadcastTo(shape)),
  Concat: withAttrs<tf.ConcatAttrs>((call, { axis }) => concat(call.values(), axis)),
  DepthToSpace: withAttrs<tf.DepthToSpaceAttrs>((call, { blockSize, dataFormat }) => {
    if (dataFormat !== 'NHWC') throw invalidInput('depthToSpace is traced in the NHWC format only');
    return depthToSpace(call.value('x'), blockSize);
  }),
  ExpandDims: withAttrs<tf.ExpandDimsAttrs>((call, { dim }) => {
    const x = call.value('input');
    return x.reshaped(x.shape.toSpliced(dim < 0 ? x.rank + 1 + dim : dim, 0, 1));
  }),
  MirrorPad: withAttrs<tf.MirrorPadAttrs>((call, { paddings, mode }) => {
    const x = call.value('x');
    if (mode === 'reflect') return pad(x, paddings, 'reflect');
    return paddings.reduce((value, [before, after], axis) => {
      if (before === 0 && after === 0) return value;
      const indices = Int32Array.from(mirrorIndices(value.shape[axis], before, after, true));
      const index = value.builder.addConstant(indices, [indices.length], 'int32');
      const name = value.builder.emit('Gather', [value.fullForm(), index], { axis: int(axis) });
      return Val.of(value.builder, name, value.shape.with(axis, indices.length), value.dtype);
    }, x);
  }),
  Pack: withAttrs<tf.PackAttrs>((call, { axis }) => {
    const values = call.values();
    const at = axisIn(axis, values[0].rank + 1);
    return concat(
      values.map((value) => value.reshaped(value.shape.toSpliced(at, 0, 1))),
      at,
    );
  }),
  PadV2: withAttrs<tf.PadV2Attrs>((call, { paddings, constantValue }) =>
    pad(call.value('x'), paddings, 'constant', constantValue),
  ),
  Reshape: withAttrs<tf.ReshapeAttrs>((call, { shape }) => {
    const x = call.value('x');
    return x.reshaped(tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));
  }),
  Reverse: withAttrs<tf.ReverseAttrs>((call, { dims }) => {
    const x = call.value('x');
    return reverse(x, tf.util.parseAxisParam(dims, [...x.shape]));
  }),
  Slice: withAttrs<tf.SliceAttrs>((call, { begin, size }) => {
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
  SpaceToBatchND: withAttrs<tf.SpaceToBatchNDAttrs>((call, { blockShape, paddings }) =>
    spaceToBatch(call.value('x'), blockShape, paddings),
  ),
  SplitV: withAttrs<tf.SplitVAttrs>((call, { numOrSizeSplits, axis }) => {
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
  StridedSlice: withAttrs<tf.StridedSliceAttrs>((call, attrs) => {
    const x = call.value('x');
    const info = tf.slice_util.sliceInfo(
      [...x.shape],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    return strided(x, info.begin, info.end, info.strides).reshaped(info.finalShape);
  }),
  Tile: withAttrs<tf.TileAttrs>((call, { reps }) => tile(call.value('x'), reps)),
  Transpose: withAttrs<Partial<tf.TransposeAttrs>>((call, { perm }) => {
    const x = call.value('x');
    const axes = perm ?? range(x.rank).reverse();
    return isIdentity(axes) ? x : x.transposed(axes);
  }),
  Unpack: withAttrs<tf.UnpackAttrs>((call, { axis }) => {
    const x = call.value('value');
    const at = axisIn(axis, x.rank);
    const parts = split(x, new Array<number>(x.shape[at]).fill(1), at);
    return parts.map((part) => part.reshaped(x.shape.toSpliced(at, 1)));
  }),
} satisfies Record<string, Rule>;
