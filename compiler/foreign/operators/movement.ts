import * as tf from '@tensorflow/tfjs-core';
import { intOf, intsOf, range, sizeOf, sliced, textOf } from '../../graph/index.js';
import type { Call } from '../call.js';
import { aligned, axisIn, byAxis, inFileOrder, permuted, plain, reshaped, shapeOf, type FileValue } from '../value.js';
import { unary, type Rule } from './rule.js';

const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The target of a Reshape: 0 keeps a size, -1 is what remains; a file made for a fixed number of images takes any. */
const reshape: Rule = (call) => {
  const x = call.value();
  const before = shapeOf(x);
  const given = call.integers(1, 'shape') ?? call.refuse('has no target shape');
  const copies = intOf(call.node, 'allowzero', 0) === 0;
  const shape = given.map((size, axis) => (size === 0 && copies ? before[axis] : size));
  if (call.fixedBatch !== null && shape[0] === call.fixedBatch && before[0] === call.batch) shape[0] = call.batch;
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = sizeOf(before) / sizeOf(shape.toSpliced(open, 1));
  if (sizeOf(shape) !== sizeOf(before)) return call.refuse(`makes [${shape}] of [${before}], which has another size`);
  return reshaped(x, shape);
};

const flatten: Rule = (call) => {
  const x = call.value();
  const shape = shapeOf(x);
  const axis = fromFront(intOf(call.node, 'axis', 1), shape.length);
  return reshaped(x, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
};

const squeeze: Rule = (call) => {
  const x = call.value();
  const shape = shapeOf(x);
  const axes = call.integers(1, 'axes')?.map((axis) => fromFront(axis, shape.length));
  return reshaped(
    x,
    shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)),
  );
};

const unsqueeze: Rule = (call) => {
  const x = call.value();
  const shape = shapeOf(x);
  const given = call.integers(1, 'axes') ?? call.refuse('has no axes');
  const axes = given.map((axis) => fromFront(axis, shape.length + given.length));
  const sizes = shape.values();
  return reshaped(
    x,
    range(shape.length + given.length).map((axis) => (axes.includes(axis) ? 1 : (sizes.next().value ?? 1))),
  );
};

const expand: Rule = (call) => {
  const tensor = call.plain();
  const target = call.integers(1) ?? call.refuse('has no target shape');
  const shape = [...new Array<number>(Math.max(0, target.length - tensor.rank)).fill(1), ...tensor.shape];
  const offset = shape.length - target.length;
  const sizes = shape.map((size, axis) => (size === 1 && axis >= offset ? target[axis - offset] : size));
  return plain(tf.broadcastTo(tf.reshape(tensor, shape), sizes));
};

const concat: Rule = (call) => {
  const values = call.inputs();
  const { tensors, isLast } = aligned(values);
  const axis = call.axis({ tensor: tensors[0], isLast }, 'axis', 1);
  return { tensor: tf.concat(tensors, axis), isLast };
};

const split: Rule = (call) => {
  const x = call.value();
  const axis = call.axis(x, 'axis', 0);
  const parts = call.node.outputs.length;
  const size = x.tensor.shape[axis];
  const even = Math.ceil(size / parts);
  const sizes = call.integers(1, 'split') ?? range(parts).map((i) => Math.min(even, size - i * even));
  return tf.split(x.tensor, [...sizes], axis).map((tensor) => ({ tensor, isLast: x.isLast }));
};

/** `count` elements along one axis, from `first` on. */
const cut = (x: tf.Tensor, axis: number, first: number, count: number): tf.Tensor =>
  tf.slice(x, new Array<number>(x.rank).fill(0).with(axis, first), x.shape.with(axis, count));

/** Every `step`-th element along an axis of `count` elements: the first of each group of `step`. */
function everyOther(x: tf.Tensor, axis: number, step: number, count: number): tf.Tensor {
  const size = x.shape[axis];
  const lacking = Math.max(0, count * step - size);
  const padded = tf.pad(
    x,
    x.shape.map((_, i) => [0, i === axis ? lacking : 0] as [number, number]),
  );
  const groups = tf.reshape(cut(padded, axis, 0, count * step), x.shape.toSpliced(axis, 1, count, step));
  return tf.reshape(cut(groups, axis + 1, 0, 1), x.shape.with(axis, count));
}

const slice: Rule = (call) => {
  const { tensor, isLast } = call.value();
  const starts = call.integers(1, 'starts') ?? call.refuse('has no starts');
  const ends = call.integers(2, 'ends') ?? call.refuse('has no ends');
  const axes = call.integers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = call.integers(4) ?? starts.map(() => 1);
  const part = starts.reduce((x, start, i) => {
    const axis = axisIn({ tensor, isLast }, axes[i]);
    if (steps[i] < 1) return call.refuse('runs backwards');
    const { first, count } = sliced(x.shape[axis], start, ends[i], steps[i]);
    const size = steps[i] === 1 ? count : x.shape[axis] - first;
    const rest = cut(x, axis, first, size);
    return steps[i] === 1 ? rest : everyOther(rest, axis, steps[i], count);
  }, tensor);
  return { tensor: part, isLast };
};

const gather: Rule = (call) => {
  const indices = call.integers(1) ?? call.refuse('has no indices');
  const rank = call.constant(1)?.shape.length ?? 0;
  if (rank > 1) return call.refuse('picks a table of elements');
  const x = call.value();
  const axis = call.axis(x, 'axis', 0);
  const size = x.tensor.shape[axis];
  const places = indices.map((index) => fromFront(index, size));
  if (rank === 1) return { tensor: tf.gather(x.tensor, tf.tensor1d(places, 'int32'), axis), isLast: x.isLast };
  const whole = inFileOrder({ tensor: cut(x.tensor, axis, places[0], 1), isLast: x.isLast });
  return plain(tf.reshape(whole, whole.shape.toSpliced(fromFront(intOf(call.node, 'axis', 0), whole.rank), 1)));
};

const pad: Rule = (call) => {
  const x = call.value();
  const { rank } = x.tensor;
  const mode = textOf(call.node, 'mode', 'constant');
  if (mode !== 'constant') return call.refuse(`pads by '${mode}'`, 'Pad with zeros in the model.');
  const given = call.integers(1, 'pads') ?? call.refuse('has no pads');
  const axes = call.integers(3)?.map((axis) => fromFront(axis, rank)) ?? range(rank);
  const ofAxis = (axis: number): [number, number] => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [given[at], given[at + axes.length]];
  };
  const pads = byAxis(x, range(rank).map(ofAxis));
  if (pads.flat().some((size) => size < 0))
    return call.refuse('cuts off edges by negative pads', 'Slice in the model.');
  const attribute = call.node.attributes['value'];
  const fill = call.has(2) ? call.scalar(2) : attribute?.kind === 'float' ? attribute.value : 0;
  if (fill === undefined) return call.refuse('pads with a value that is computed');
  return { tensor: tf.pad(x.tensor, pads, fill), isLast: x.isLast };
};

/** TF.js's options of a Resize; undefined for other ways to find a pixel's sources. */
function resizing(call: Call): { readonly align: boolean; readonly half: boolean } | undefined {
  const method = textOf(call.node, 'mode', 'nearest');
  const isUpsample = call.node.op === 'Upsample' || call.opset < 11;
  const where = textOf(call.node, 'coordinate_transformation_mode', isUpsample ? 'asymmetric' : 'half_pixel');
  const nearest = textOf(call.node, 'nearest_mode', isUpsample ? 'floor' : 'round_prefer_floor');
  if (where === 'align_corners' && method !== 'nearest') return { align: true, half: false };
  if (where === 'asymmetric')
    return method === 'nearest' && nearest !== 'floor' ? undefined : { align: false, half: false };
  return where.endsWith('half_pixel') && method !== 'nearest' ? { align: false, half: true } : undefined;
}

const resize: Rule = (call) => {
  const x = call.maps();
  const options = resizing(call);
  const mode = textOf(call.node, 'mode', 'nearest');
  if (options === undefined || mode === 'cubic')
    return call.refuse(`resizes in a way that TF.js lacks (${mode})`, 'Resize bilinearly in the model.');
  const isOld = call.node.op === 'Upsample' || call.opset < 11;
  const scales = call.constant(isOld ? 1 : 2)?.data ?? [];
  const attribute = call.node.attributes['scales'];
  const factors = attribute?.kind === 'floats' ? attribute.value : Array.from(scales, Number);
  const sizes = !isOld && call.has(3) ? call.integers(3) : undefined;
  const side = (axis: 2 | 3): number => sizes?.[axis] ?? Math.floor(x.shape[axis - 1] * (factors[axis] ?? NaN));
  const size: [number, number] = [side(2), side(3)];
  if (size.some(Number.isNaN)) return call.refuse('has a size that is computed');
  const tensor =
    mode === 'nearest'
      ? tf.image.resizeNearestNeighbor(x, size)
      : tf.image.resizeBilinear(x, size, options.align, options.half);
  return { tensor, isLast: true };
};

/** Drops values in training, where an export keeps the node. */
const dropout: Rule = unary((x, call) => {
  const attribute = call.node.attributes['ratio'];
  const rate = attribute?.kind === 'float' ? attribute.value : (call.scalar(1) ?? 0.5);
  // Reading needs shapes only.
  return call.mode.training && !call.isReading && rate > 0 ? tf.mul(x, call.noise(x.shape, 1 - rate)) : x;
});

const identity: Rule = (call): FileValue => call.value();

const cast: Rule = (call) =>
  intOf(call.node, 'to', 0) === 1 ? call.value() : call.refuse('changes the type of numbers');

export const movementRules = {
  Cast: cast,
  Concat: concat,
  Dropout: dropout,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Identity: identity,
  Pad: pad,
  Reshape: reshape,
  Resize: resize,
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Transpose: (call) => {
    const x = call.value();
    return permuted(x, intsOf(call.node, 'perm') ?? range(x.tensor.rank).reverse());
  },
  Unsqueeze: unsqueeze,
  Upsample: resize,
} satisfies Record<string, Rule>;
