import { range, sizeOf, type Data, type Shape } from '../graph/index.js';

/** A storage order: `perm[i]` is the logical axis that is stored at position i. */
export type Perm = readonly number[];

export const NCHW: Perm = [0, 3, 1, 2];
/** Storage orders of TF.js's HWIO filters. */
export const OIHW: Perm = [3, 2, 0, 1];
export const IOHW: Perm = [2, 3, 0, 1];
/** Channels outermost, for NHWC activations. */
export const CNHW: Perm = [3, 0, 1, 2];

export const permute = <T>(items: readonly T[], perm: Perm): T[] => perm.map((axis) => items[axis]);
export const isIdentity = (perm: Perm): boolean => perm.every((axis, i) => axis === i);
export const inverse = (perm: Perm): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** The axes longer than one, in storage order: no copy between forms of equal order. */
export const storageOrder = (shape: Shape, perm: Perm): string => perm.filter((axis) => shape[axis] !== 1).join();

const copyOf = <D extends Data>(data: D, length: number): D => {
  const Array = data.constructor as new (length: number) => D;
  return new Array(length);
};

/** Broadcasts data of logical shape `from` to `to` and stores it in the order `perm`. */
export function layOut<D extends Data>(data: D, from: Shape, to: Shape, perm: Perm): D {
  const rank = to.length;
  const out = copyOf(data, sizeOf(to));
  const strides = new Array<number>(rank).fill(0);
  for (let axis = rank - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = from[axis] === 1 ? 0 : stride;
    stride *= from[axis];
  }
  const shape = permute(to, perm);
  const steps = permute(strides, perm);
  const index = new Array<number>(rank).fill(0);
  for (let i = 0, offset = 0; i < out.length; i++) {
    out[i] = data[offset];
    for (let axis = rank - 1; axis >= 0; axis--) {
      offset += steps[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** Logical (row-major) data to the storage order `perm`. */
export const toStorage = <D extends Data>(data: D, shape: Shape, perm: Perm): D =>
  isIdentity(perm) ? data : layOut(data, shape, shape, perm);

/** Data stored in the order `perm` back to logical order; `shape` is the logical shape. */
export const fromStorage = <D extends Data>(data: D, shape: Shape, perm: Perm): D =>
  isIdentity(perm) ? data : layOut(data, permute(shape, perm), permute(shape, perm), inverse(perm));

/** A storage order of `shape` with the axes longer than 1 in the given order. */
export function permWithOrder(shape: Shape, order: readonly number[], wasRank4: boolean): Perm {
  const likeNchw = shape.length === 4 && NCHW.filter((axis) => shape[axis] !== 1).join() === order.join();
  if (isAscending(order) && !(wasRank4 && likeNchw)) return range(shape.length);
  if (likeNchw) return NCHW;
  const perm = [...order];
  for (const axis of range(shape.length)) if (shape[axis] === 1) perm.splice(Math.min(axis, perm.length), 0, axis);
  return perm;
}

const isAscending = (items: readonly number[]): boolean => items.every((item, i) => i === 0 || items[i - 1] < item);
