import type { TensorProto } from 'onnx-buf';
import { invalidInput } from '../../base/errors.js';

/**
 * A size in a graph: a number; a multiple of a size that is known only at run time (`N`, the dynamic batch, `4N`; graphs read
 * from files may have further ones, `N1`, `N2` ...); or null, unknown, which only graphs read from files have.
 */
export type Dim = number | `${number | ''}N${number | ''}` | null;

/** Axes of real tensors are shorter than this where a batch is dynamic. */
const longest = 2 ** 26;

/**
 * Numbers that stand for N while TF.js computes sizes; a graph only has the symbol.
 *
 * The first is a power of two that no real size or array reaches, so its multiples are exact. Its sums are not: N - 1 looks
 * like N. The second is the first prime above all real axes, whose sums are exact: a second trace with it reveals sizes that
 * depend on the batch but are not multiples of it.
 */
export const standIns: readonly [number, number] = [2 ** 80, 67_108_879];

/**
 * The size as it stands in a graph.
 * @param batch what stands for N; null when no size depends on it
 * @throws NasError when the size depends on the batch but is no multiple of it.
 */
export function dimOf(size: number, batch: number | null): Dim {
  if (batch === null || size < longest) return size;
  const factor = Math.round(size / batch);
  const rest = size - factor * batch;
  const multiple = factor === 1 ? 'N' : (`${factor}N` as const);
  const isMultiple = factor > 0 && factor < longest;
  if (isMultiple && rest === 0) return multiple;
  const text = isMultiple ? `${multiple}${rest < 0 ? '' : '+'}${rest}` : String(size);
  throw batchDependence(`an axis of ${text} elements`);
}

/** Sizes that stand for N, N1 ... in graphs read from files. Each has a prime factor of its own, which tells its multiples apart. */
export const openSizes: readonly number[] = [
  1, 67_108_879, 67_108_913, 67_108_919, 67_108_933, 67_108_957, 67_108_961, 67_108_981,
].map((prime) => prime * standIns[0]);

/** The size as it stands in a graph that was read from a file; NaN, and what is no multiple of an open size, is unknown. */
export function looseDim(size: number): Dim {
  if (size < longest) return Number.isInteger(size) && size >= 0 ? size : null;
  for (const [i, open] of openSizes.entries()) {
    const factor = size / open;
    if (Number.isInteger(factor) && factor < longest) return `${factor === 1 ? '' : factor}N${i === 0 ? '' : i}`;
  }
  return null;
}

/** Whether a size that is computed with is the same for every batch. */
export const isFixed = (size: number): boolean => size < longest;

const openDim = /^(\d*)N(\d*)$/;

/** A number that stands for the size, NaN for an unknown one; sizes of a graph differ where these do. */
export function sizeFor(dim: Dim): number {
  if (typeof dim === 'number') return dim;
  const found = openDim.exec(dim ?? '');
  return found === null ? NaN : Number(found[1] || 1) * openSizes[Number(found[2])];
}

export const batchDependence = (what: string, cause?: unknown) =>
  invalidInput(`${what} depends on the size N of the dynamic batch, which is known only at run time`, {
    hint: 'Sizes may be multiples of N; numbers, other sizes and what is read in JavaScript may not depend on it.',
    cause,
  });

/** Element types: the ONNX code (TensorProto.DataType) and the JavaScript array that holds them. */
export const elementTypes = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  /** JavaScript has no array of it (in Node 20): the bits of the numbers. */
  float16: { code: 10, array: Uint16Array },
  uint32: { code: 12, array: Uint32Array },
  /** Any other type, of a file that another program wrote: values are not read. */
  opaque: { code: 0, array: Uint8Array },
} as const;

export type DType = keyof typeof elementTypes;
/** Element types that TF.js tensors have. */
export type TfDType = 'float32' | 'int32' | 'bool';
export type Shape = readonly number[];

export const isTfDType = (dtype: string): dtype is TfDType =>
  dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

export const requireDtype = (dtype: string): TfDType => {
  if (isTfDType(dtype)) return dtype;
  throw invalidInput(`a tensor of type ${dtype} cannot be traced`, {
    hint: 'Only float32, int32 and bool tensors compile.',
  });
};

export type Data = Float32Array | Uint8Array | Int8Array | Uint16Array | Int32Array | BigInt64Array | Uint32Array;

/** A type while a graph is made, where a number stands for the dynamic batch. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The type of a value in a graph. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** The type as it stands in a graph; `batch` is the number that stands for N; `loose`: of a graph that was read from a file. */
export function valueType(type: TensorType, batch: number | 'loose' | null): ValueType {
  if (batch === null) return type;
  const { dtype, shape } = type;
  return { dtype, shape: shape.map((size) => (batch === 'loose' ? looseDim(size) : dimOf(size, batch))) };
}

const hasFixedShape = (type: ValueType): type is TensorType => type.shape.every((size) => typeof size === 'number');

/** The type to compute with. */
export const tensorType = (type: ValueType): TensorType =>
  hasFixedShape(type) ? type : { dtype: type.dtype, shape: type.shape.map(sizeFor) };

export interface Constant extends TensorType {
  readonly data: Data;
  /** The constant as it is in the file that the graph was read from. */
  readonly proto?: TensorProto;
}

/** The element type of an array of numbers; booleans are bytes too. */
export function dtypeOf(data: Data): DType {
  const types = Object.entries(elementTypes) as [DType, { readonly array: unknown }][];
  const found = types.find(([, { array }]) => data.constructor === array);
  if (found === undefined) throw new Error('internal: no element type has such an array');
  return found[0];
}

export const bytesOf = (data: Data): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * The shape that operands of these shapes broadcast to (numpy's rules); null when they do not.
 * @param loose whether an open or unknown size beside a number is that number (or 1); otherwise it does not broadcast
 */
export function broadcastShapes(shapes: readonly Shape[], loose = false): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    for (let i = 0, at = rank - shape.length; i < shape.length; i++, at++) {
      const d = shape[i];
      if (d === 1 || out[at] === d) continue;
      if (out[at] === 1) out[at] = d;
      else if (!loose) return null;
      else if (!isFixed(out[at])) out[at] = isFixed(d) ? d : NaN;
    }
  return out;
}
