import * as tf from '@tensorflow/tfjs-core';
import { range, sameShape, sizeOf, type Shape } from '../graph/index.js';
import { inverse, permute } from '../values/layout.js';

/**
 * A value of a file's graph. Maps [N, C, H, W] are computed as [N, H, W, C], so that convolutions move no data; `isLast` says
 * so. Of five axes or more, as a channel shuffle has, the two last ones are height and width and stand behind N, too.
 */
export interface FileValue {
  readonly tensor: tf.Tensor;
  readonly isLast: boolean;
}

/** The axis of the file at each place of a tensor with channels last. */
export const lastOrder = (rank: number): readonly number[] => [
  0,
  rank - 2,
  rank - 1,
  ...range(rank - 3).map((i) => i + 1),
];

const orderOf = ({ tensor: { rank }, isLast }: FileValue): readonly number[] =>
  isLast ? lastOrder(rank) : range(rank);

/** The shape as the file has it. */
export const shapeOf = (value: FileValue): number[] => permute(value.tensor.shape, inverse(orderOf(value)));

/** Where an axis of the file stands in the tensor. */
export function axisIn(value: FileValue, axis: number): number {
  const { rank } = value.tensor;
  return orderOf(value).indexOf(axis < 0 ? axis + rank : axis);
}

/** Numbers for each axis of the file, in the order of the tensor's axes. */
export const byAxis = <T>(value: FileValue, items: readonly T[]): T[] => permute(items, orderOf(value));

/** A transposition; a reshape where only axes of size 1 move. */
function transposed(tensor: tf.Tensor, order: readonly number[]): tf.Tensor {
  const { shape } = tensor;
  const long = order.filter((axis) => shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || long[i - 1] < axis)
    ? tf.reshape(tensor, permute(shape, order))
    : tf.transpose(tensor, [...order]);
}

export const plain = (tensor: tf.Tensor): FileValue => ({ tensor, isLast: false });
export const last = (tensor: tf.Tensor): FileValue => ({ tensor, isLast: true });

/** The tensor with the axes of the file. */
export const inFileOrder = (value: FileValue): tf.Tensor =>
  value.isLast ? transposed(value.tensor, inverse(orderOf(value))) : value.tensor;

/** The tensor with channels last; it has four axes or more. */
export const withChannelsLast = ({ tensor, isLast }: FileValue): tf.Tensor =>
  isLast ? tensor : transposed(tensor, lastOrder(tensor.rank));

/** The value with another order of its axes. */
export function permuted(value: FileValue, perm: readonly number[]): FileValue {
  const order = orderOf(value);
  // The place of each new axis in the tensor.
  const places = perm.map((axis) => order.indexOf(axis));
  const { tensor } = value;
  const { rank } = tensor;
  const isImage = rank >= 4 && sameShape(permute(places, lastOrder(rank)).slice(0, 3), [0, 1, 2]);
  if (isImage) return last(transposed(tensor, permute(places, lastOrder(rank))));
  return plain(transposed(tensor, places));
}

/** A tensor that is broadcast over maps with channels last, which have `rank` axes. */
function besideMaps(tensor: tf.Tensor, rank: number): tf.Tensor {
  if (tensor.size === 1) return tf.reshape(tensor, []);
  const shape = [...new Array<number>(rank - tensor.rank).fill(1), ...tensor.shape];
  const whole = transposed(tf.reshape(tensor, shape), lastOrder(rank));
  // A number for each channel is a vector, which programs recognise.
  return sizeOf(whole.shape.slice(0, -1)) === 1 ? tf.reshape(whole, whole.shape.slice(-1)) : whole;
}

/** Operands of one operation that broadcasts: all with channels last or all in the file's order. */
export function aligned(values: readonly FileValue[]): { readonly tensors: tf.Tensor[]; readonly isLast: boolean } {
  const rank = Math.max(...values.map(({ tensor }) => tensor.rank));
  const isLast =
    values.some((value) => value.isLast) && values.every((value) => !value.isLast || value.tensor.rank === rank);
  const tensors = values.map((value) => {
    if (!isLast) return inFileOrder(value);
    return value.isLast ? value.tensor : besideMaps(value.tensor, rank);
  });
  return { tensors, isLast };
}

/** The value with another shape, in the file's order of elements. A split or merge of channels keeps height and width. */
export function reshaped(value: FileValue, shape: Shape): FileValue {
  const { tensor, isLast } = value;
  const before = shapeOf(value);
  const keepsMaps =
    isLast && shape.length >= 4 && shape[0] === before[0] && sameShape(shape.slice(-2), before.slice(-2));
  return keepsMaps
    ? last(tf.reshape(tensor, permute(shape, lastOrder(shape.length))))
    : plain(tf.reshape(inFileOrder(value), [...shape]));
}
