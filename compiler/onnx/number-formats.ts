import { ModelProtoSchema, type NodeProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { sizeOf } from '../graph/index.js';
import { parseOnnx } from './file.js';
import { create, toBinary } from '@bufbuild/protobuf';

/** Formats of stored numbers and of computation. */
export type NumberFormat = 'fp32' | 'fp16' | 'int8';

const formats = new Map<number, NumberFormat>([
  [TensorProto_DataType.FLOAT, 'fp32'],
  [TensorProto_DataType.FLOAT16, 'fp16'],
  [TensorProto_DataType.BFLOAT16, 'fp16'],
  [TensorProto_DataType.INT8, 'int8'],
  [TensorProto_DataType.UINT8, 'int8'],
]);

/** The format of most weights of a model; fp32 without weights. */
export function weightFormat(model: Uint8Array): NumberFormat {
  const counts = new Map<NumberFormat, number>();
  for (const tensor of parseOnnx(model).graph.initializer) {
    const format = formats.get(tensor.dataType);
    if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + sizeOf(tensor.dims.map(Number)));
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return counts.size === 0 ? 'fp32' : most[0];
}

/** Whether a node may produce values in another format than float32. */
const leavesFloat32 = ({ opType, attribute }: NodeProto): boolean =>
  /Quantize|Integer|^QLinear/.test(opType) ||
  // The target of a cast, and the type of a constant.
  attribute.some(({ name, i, t }) => (name === 'to' && isOther(Number(i))) || (t !== undefined && isOther(t.dataType)));

const isOther = (type: number): boolean => (formats.get(type) ?? 'fp32') !== 'fp32';

/** Whether a model computes in float32 throughout. */
export function isFloat32(model: Uint8Array): boolean {
  const { graph } = parseOnnx(model);
  return !graph.initializer.some(({ dataType }) => isOther(dataType)) && !graph.node.some(leavesFloat32);
}

const signedByte: number = TensorProto_DataType.INT8;
/** The largest signed weight of 7 bits. */
const sevenBits = 64;

/** Whether some signed byte weights exceed 7 bits: their sums saturate where `integerArithmetic` is `saturating`. */
export const hasLargeBytes = (model: Uint8Array): boolean =>
  parseOnnx(model).graph.initializer.some(
    ({ dataType, rawData, int32Data }) =>
      dataType === signedByte &&
      (int32Data.some((value) => Math.abs(value) > sevenBits) ||
        // Two's complement: 65 to 127, and -128 to -65.
        rawData.some((byte) => byte > sevenBits && byte < 256 - sevenBits)),
  );

/**
 * The model with a copy of shared signed bytes for each operator; unchanged when nothing is shared. ONNX Runtime's
 * conversion to unsigned bytes fails for operators that share a zero point: "Attempt to replace the existing tensor".
 */
export function unsharedBytes(model: Uint8Array): Uint8Array {
  const file = parseOnnx(model);
  const { graph } = file;
  const tensors = new Map(
    graph.initializer.flatMap((tensor) => (tensor.dataType === signedByte ? [[tensor.name, tensor] as const] : [])),
  );
  const uses = new Map<string, number>();
  let copies = 0;
  for (const node of graph.node)
    for (const [i, name] of node.input.entries()) {
      const tensor = tensors.get(name);
      if (tensor === undefined) continue;
      const before = uses.get(name) ?? 0;
      uses.set(name, before + 1);
      if (before === 0) continue;
      node.input[i] = `${name}/for use ${before + 1}`;
      graph.initializer.push(create(TensorProtoSchema, { ...tensor, name: node.input[i] }));
      copies++;
    }
  return copies === 0 ? model : toBinary(ModelProtoSchema, file);
}
