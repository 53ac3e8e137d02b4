import { ModelProtoSchema, type NodeProto, type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { parseOnnx } from '../classifier/onnx-file.js';
import { create, toBinary } from '@bufbuild/protobuf';

/** What numbers are stored in, or computed with. */
export const numberFormats = ['fp32', 'fp16', 'int8'] as const;
export type NumberFormat = (typeof numberFormats)[number];

const formats = new Map<number, NumberFormat>([
  [TensorProto_DataType.FLOAT, 'fp32'],
  [TensorProto_DataType.FLOAT16, 'fp16'],
  [TensorProto_DataType.BFLOAT16, 'fp16'],
  [TensorProto_DataType.INT8, 'int8'],
  [TensorProto_DataType.UINT8, 'int8'],
]);

const sizeOf = ({ dims }: TensorProto): number => dims.reduce((product, extent) => product * Number(extent), 1);

/** The number format that most of a model's weights are stored in; fp32 for a model without weights. */
export function weightFormat(model: Uint8Array): NumberFormat {
  const counts = new Map<NumberFormat, number>();
  for (const tensor of parseOnnx(model).graph.initializer) {
    const format = formats.get(tensor.dataType);
    if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + sizeOf(tensor));
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return counts.size === 0 ? 'fp32' : most[0];
}

/** Whether values may be in another format than float32 from this node on. */
const leavesFloat32 = ({ opType, attribute }: NodeProto): boolean =>
  /Quantize|Integer|^QLinear/.test(opType) ||
  // What a cast makes, and what a constant holds.
  attribute.some(({ name, i, t }) => (name === 'to' && isOther(Number(i))) || (t !== undefined && isOther(t.dataType)));

const isOther = (type: number): boolean => (formats.get(type) ?? 'fp32') !== 'fp32';

/** Whether a model is in float32 from end to end: then nobody needs to ask what it computes with. */
export function isFloat32(model: Uint8Array): boolean {
  const { graph } = parseOnnx(model);
  return !graph.initializer.some(({ dataType }) => isOther(dataType)) && !graph.node.some(leavesFloat32);
}

const signedByte: number = TensorProto_DataType.INT8;
/** The largest signed weight of 7 bits. */
const sevenBits = 64;

/**
 * Whether some signed byte weights of a model are beyond 7 bits: with those, sums saturate on machines whose arithmetic is
 * `saturating` (see `integerArithmetic`).
 */
export const hasLargeBytes = (model: Uint8Array): boolean =>
  parseOnnx(model).graph.initializer.some(
    ({ dataType, rawData, int32Data }) =>
      dataType === signedByte &&
      (int32Data.some((value) => Math.abs(value) > sevenBits) ||
        // Two's complement: 65 to 127, and -128 to -65.
        rawData.some((byte) => byte > sevenBits && byte < 256 - sevenBits)),
  );

/**
 * The model with signed bytes of its own for each operator that reads them. Where ONNX Runtime makes unsigned bytes of
 * signed ones it does so for each operator, and cannot open a model in which two share a zero point: it fails with "Attempt
 * to replace the existing tensor". A model in which nothing is shared is given back as it is.
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
