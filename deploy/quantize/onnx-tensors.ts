import { create } from '@bufbuild/protobuf';
import { TensorProto_DataType as Type, TensorProtoSchema, type TensorProto } from 'onnx-buf';

/** Arrays that constants are made of, and the element types that they stand for. */
export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

function elementType(data: TensorData): Type {
  if (data instanceof Float32Array) return Type.FLOAT;
  if (data instanceof Uint8Array) return Type.UINT8;
  if (data instanceof Int8Array) return Type.INT8;
  return data instanceof Int32Array ? Type.INT32 : Type.INT64;
}

/** A constant; the data are copied. */
export const onnxTensor = (name: string, dims: readonly number[], data: TensorData): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: elementType(data),
    // A copy: the array may be a part of a larger buffer, or change.
    rawData: new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  });

/** The bytes as they may be read in elements of any size: those of a file lie anywhere in its buffer. */
const aligned = (rawData: Uint8Array): ArrayBuffer => new Uint8Array(rawData).buffer;

/** The numbers of a constant of float32, a copy of them; `undefined` for other types. */
export function tensorFloats({ dataType, rawData, floatData }: TensorProto): Float32Array | undefined {
  if (dataType !== Type.FLOAT.valueOf()) return undefined;
  return rawData.length > 0 ? new Float32Array(aligned(rawData)) : Float32Array.from(floatData);
}

/** The numbers of a constant of int32 or int64; `undefined` for other types. */
export function tensorInts({ dataType, rawData, int32Data, int64Data }: TensorProto): number[] | undefined {
  if (dataType === Type.INT32.valueOf())
    return rawData.length > 0 ? [...new Int32Array(aligned(rawData))] : [...int32Data];
  if (dataType === Type.INT64.valueOf())
    return (rawData.length > 0 ? [...new BigInt64Array(aligned(rawData))] : int64Data).map(Number);
  return undefined;
}
