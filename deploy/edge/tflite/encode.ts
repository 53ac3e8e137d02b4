import { Builder } from 'flatbuffers';
import type { EdgeTensor, TensorId } from '../program.js';
import {
  builtinOf,
  elementCodes,
  fileIdentifier,
  fileVersion,
  largestOldCode,
  tables,
  type BuiltinName,
} from './schema.js';

/** An operator of a file. `builtins` says which options it has. */
export interface TfliteOperator {
  readonly name: BuiltinName;
  readonly version: number;
  readonly options: Readonly<Record<string, number>>;
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
}

/** What a file holds. */
export interface TfliteModel {
  readonly tensors: readonly EdgeTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
  readonly description: string;
  /** Texts that the file carries, by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

type Offset = number;

/** Writes a vector; FlatBuffers are written from the end. */
function vector(builder: Builder, size: number, count: number, add: (index: number) => void): Offset {
  builder.startVector(size, count, size);
  for (let i = count - 1; i >= 0; i--) add(i);
  return builder.endVector();
}

const ints = (builder: Builder, values: readonly number[]): Offset =>
  vector(builder, 4, values.length, (i) => builder.addInt32(values[i]));

const offsets = (builder: Builder, values: readonly Offset[]): Offset =>
  vector(builder, 4, values.length, (i) => builder.addOffset(values[i]));

/** Where runtimes expect the numbers of constants: at multiples of this. */
const alignment = 16;

function bufferOf(builder: Builder, data: Uint8Array | null): Offset {
  if (data !== null) builder.prep(alignment, data.length);
  const content = data === null ? 0 : builder.createByteVector(data);
  builder.startObject(tables.Buffer.slots);
  if (data !== null) builder.addFieldOffset(tables.Buffer.data, content, 0);
  return builder.endObject();
}

function quantizationOf(builder: Builder, { quantization }: EdgeTensor): Offset {
  if (quantization === undefined) return 0;
  const { scales, zero, axis = 0 } = quantization;
  const { slots, scale, zeroPoint, axis: axisSlot } = tables.QuantizationParameters;
  const scaleVector = vector(builder, 4, scales.length, (i) => builder.addFloat32(scales[i]));
  const zeroVector = vector(builder, 8, scales.length, () => builder.addInt64(BigInt(zero)));
  builder.startObject(slots);
  builder.addFieldOffset(scale, scaleVector, 0);
  builder.addFieldOffset(zeroPoint, zeroVector, 0);
  builder.addFieldInt32(axisSlot, axis, 0);
  return builder.endObject();
}

function tensorOf(builder: Builder, tensor: EdgeTensor, buffer: number): Offset {
  const { slots, ...slot } = tables.Tensor;
  const name = builder.createString(tensor.name);
  const shape = ints(builder, tensor.shape);
  const quantization = quantizationOf(builder, tensor);
  builder.startObject(slots);
  builder.addFieldOffset(slot.shape, shape, 0);
  builder.addFieldInt8(slot.type, elementCodes[tensor.element], 0);
  builder.addFieldInt32(slot.buffer, buffer, 0);
  builder.addFieldOffset(slot.name, name, 0);
  builder.addFieldOffset(slot.quantization, quantization, 0);
  return builder.endObject();
}

function optionsOf(builder: Builder, { name, options }: TfliteOperator): readonly [type: number, Offset] {
  const known = builtinOf(name).options;
  if (known === undefined) return [0, 0];
  builder.startObject(1 + Math.max(...Object.values(known.fields).map(({ slot }) => slot)));
  for (const [key, { slot, type, otherwise }] of Object.entries(known.fields))
    builder[`addField${type}`](slot, options[key] ?? otherwise, otherwise);
  return [known.type, builder.endObject()];
}

function operatorOf(builder: Builder, operator: TfliteOperator, code: number): Offset {
  const { slots, ...slot } = tables.Operator;
  const inputs = ints(builder, operator.inputs);
  const outputs = ints(builder, operator.outputs);
  const [type, options] = optionsOf(builder, operator);
  builder.startObject(slots);
  builder.addFieldInt32(slot.code, code, 0);
  builder.addFieldOffset(slot.inputs, inputs, 0);
  builder.addFieldOffset(slot.outputs, outputs, 0);
  builder.addFieldInt8(slot.optionsType, type, 0);
  builder.addFieldOffset(slot.options, options, 0);
  return builder.endObject();
}

function codeOf(builder: Builder, { name, version }: TfliteOperator): Offset {
  const { slots, ...slot } = tables.OperatorCode;
  const { code } = builtinOf(name);
  builder.startObject(slots);
  builder.addFieldInt8(slot.oldCode, Math.min(code, largestOldCode), 0);
  builder.addFieldInt32(slot.version, version, 1);
  builder.addFieldInt32(slot.code, code, 0);
  return builder.endObject();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NonNullable<EdgeTensor['data']>): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The `.tflite` file of a model; the same model gives the same bytes. */
export function encodeTflite({ tensors, operators, inputs, outputs, description, metadata }: TfliteModel): Uint8Array {
  const builder = new Builder(2 ** 16);
  // The first buffer is empty: it is the one of tensors without numbers.
  const buffers: (Uint8Array | null)[] = [null];
  const stored = (data: Uint8Array): number => buffers.push(data) - 1;
  const tensorOffsets = tensors.map((tensor) =>
    tensorOf(builder, tensor, tensor.data === undefined ? 0 : stored(bytesOf(tensor.data))),
  );
  const codes: TfliteOperator[] = [];
  const operatorOffsets = operators.map((operator) => {
    const found = codes.findIndex(({ name, version }) => name === operator.name && version === operator.version);
    return operatorOf(builder, operator, found < 0 ? codes.push(operator) - 1 : found);
  });
  const graph = { name: builder.createString('main'), inputs: ints(builder, inputs), outputs: ints(builder, outputs) };
  const lists = { tensors: offsets(builder, tensorOffsets), operators: offsets(builder, operatorOffsets) };
  const { SubGraph, Model, Metadata } = tables;
  builder.startObject(SubGraph.slots);
  builder.addFieldOffset(SubGraph.tensors, lists.tensors, 0);
  builder.addFieldOffset(SubGraph.inputs, graph.inputs, 0);
  builder.addFieldOffset(SubGraph.outputs, graph.outputs, 0);
  builder.addFieldOffset(SubGraph.operators, lists.operators, 0);
  builder.addFieldOffset(SubGraph.name, graph.name, 0);
  const subgraph = builder.endObject();
  const metadataOffsets = Object.entries(metadata).map(([key, text]) => {
    const name = builder.createString(key);
    builder.startObject(Metadata.slots);
    builder.addFieldOffset(Metadata.name, name, 0);
    builder.addFieldInt32(Metadata.buffer, stored(new TextEncoder().encode(text)), 0);
    return builder.endObject();
  });
  const parts = {
    operatorCodes: offsets(
      builder,
      codes.map((operator) => codeOf(builder, operator)),
    ),
    subgraphs: offsets(builder, [subgraph]),
    description: builder.createString(description),
    buffers: offsets(
      builder,
      buffers.map((data) => bufferOf(builder, data)),
    ),
    metadata: offsets(builder, metadataOffsets),
  };
  builder.startObject(Model.slots);
  builder.addFieldInt32(Model.version, fileVersion, 0);
  for (const [field, offset] of Object.entries(parts))
    builder.addFieldOffset(Model[field as keyof typeof parts], offset, 0);
  builder.finish(builder.endObject(), fileIdentifier);
  return builder.asUint8Array();
}
