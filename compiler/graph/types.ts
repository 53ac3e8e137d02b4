import { invalidInput } from '../../base/errors.js';
import { dimOf, sizeFor, type Dim } from './batch.js';

/** Element types: the ONNX code (TensorProto.DataType) and the JavaScript array that holds them. */
export const elementTypes = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  /** JavaScript has no array of it (in Node 20): the bits of the numbers, see `half.ts`. */
  float16: { code: 10, array: Uint16Array },
  uint32: { code: 12, array: Uint32Array },
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

export type Data = Float32Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array | Uint32Array;

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

/** The type as it stands in a graph; `batch` is the number that stands for N. */
export const valueType = (type: TensorType, batch: number | null): ValueType =>
  batch === null ? type : { dtype: type.dtype, shape: type.shape.map((size) => dimOf(size, batch)) };

const isFixed = (type: ValueType): type is TensorType => type.shape.every((size) => typeof size === 'number');

/** The type to compute with. */
export const tensorType = (type: ValueType): TensorType =>
  isFixed(type) ? type : { dtype: type.dtype, shape: type.shape.map(sizeFor) };

export interface Constant extends TensorType {
  readonly data: Data;
}

export const bytesOf = (data: Data): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** An operator's attribute; the kind decides how it is stored in the ONNX file. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string };
export type Attributes = Readonly<Partial<Record<string, Attribute>>>;

/** The attributes that are set, with their names. */
export const attributeList = (attributes: Attributes): [string, Attribute][] =>
  Object.entries(attributes).flatMap(([name, attribute]) => (attribute ? [[name, attribute]] : []));

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The shape that operands of these shapes broadcast to (numpy's rules); null when they do not. */
export function broadcastShapes(shapes: readonly Shape[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    for (let i = 0, at = rank - shape.length; i < shape.length; i++, at++) {
      const d = shape[i];
      if (d === 1 || out[at] === d) continue;
      if (out[at] !== 1) return null;
      out[at] = d;
    }
  return out;
}
