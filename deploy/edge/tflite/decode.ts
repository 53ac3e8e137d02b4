import { ByteBuffer } from 'flatbuffers';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import { product } from '../../../base/statistics.js';
import type { EdgeTensor, Element, ElementArrays } from '../program.js';
import type { TfliteModel, TfliteOperator } from './encode.js';
import { builtinOf, builtins, elementCodes, fileIdentifier, tables, type BuiltinName } from './schema.js';

/** Readers of a table's fields by their slots. Fields that are not written have the value `otherwise`, or are undefined. */
class Table {
  constructor(
    private readonly buffer: ByteBuffer,
    private readonly at: number,
  ) {}

  static root(bytes: Uint8Array): Table {
    const buffer = new ByteBuffer(bytes);
    return new Table(buffer, buffer.readInt32(0));
  }

  int8 = (slot: number, otherwise = 0): number => this.read(slot, (at) => this.buffer.readInt8(at)) ?? otherwise;
  int32 = (slot: number, otherwise = 0): number => this.read(slot, (at) => this.buffer.readInt32(at)) ?? otherwise;
  float32 = (slot: number, otherwise = 0): number => this.read(slot, (at) => this.buffer.readFloat32(at)) ?? otherwise;

  text = (slot: number): string => this.read(slot, (at) => String(this.buffer.__string(at))) ?? '';

  table = (slot: number): Table | undefined =>
    this.read(slot, (at) => new Table(this.buffer, this.buffer.__indirect(at)));

  tables = (slot: number): readonly Table[] =>
    this.vector(slot, 4, (at) => new Table(this.buffer, this.buffer.__indirect(at)));

  ints = (slot: number): readonly number[] => this.vector(slot, 4, (at) => this.buffer.readInt32(at));
  floats = (slot: number): readonly number[] => this.vector(slot, 4, (at) => this.buffer.readFloat32(at));
  longs = (slot: number): readonly number[] => this.vector(slot, 8, (at) => Number(this.buffer.readInt64(at)));

  /** A copy of a vector of bytes. */
  bytes(slot: number): Uint8Array<ArrayBuffer> | undefined {
    return this.read(slot, (at) => {
      const [from, length] = this.span(at, 1);
      return new Uint8Array(this.buffer.bytes().subarray(from, from + length));
    });
  }

  private read<T>(slot: number, reader: (at: number) => T): T | undefined {
    const offset = this.buffer.__offset(this.at, 4 + 2 * slot);
    return offset === 0 ? undefined : reader(this.at + offset);
  }

  private vector<T>(slot: number, size: number, reader: (at: number) => T): readonly T[] {
    const all = this.read(slot, (at) => {
      const [from, length] = this.span(at, size);
      return Array.from({ length }, (_, i) => reader(from + i * size));
    });
    return all ?? [];
  }

  /** Where a vector begins, and how many elements it has. */
  private span(at: number, size: number): readonly [from: number, length: number] {
    const [from, length] = [this.buffer.__vector(at), this.buffer.__vector_len(at)];
    const end = from + size * length;
    if (!(from >= 0 && length >= 0 && end <= this.buffer.capacity()))
      throw new RangeError(`a vector of ${length} elements at ${from} ends behind the file`);
    return [from, length];
  }
}

const elementsByCode = new Map<number, Element>(
  Object.entries(elementCodes).map(([element, code]) => [code, element as Element]),
);

const arrays: { readonly [E in Element]: (buffer: ArrayBuffer) => ElementArrays[E] } = {
  float32: (buffer) => new Float32Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
};

function tensorOf(table: Table, buffers: readonly (Uint8Array<ArrayBuffer> | undefined)[]): EdgeTensor {
  const slots = tables.Tensor;
  const [name, shape, type] = [table.text(slots.name), table.ints(slots.shape), table.int8(slots.type)];
  const element = elementsByCode.get(type);
  if (element === undefined) throw refused(`tensor '${name}' has numbers of type ${type}, not float32, int8 or int32`);
  const content = buffers.at(table.int32(slots.buffer));
  const data = content === undefined ? undefined : arrays[element](content.buffer);
  if (data !== undefined && data.length !== product(shape))
    throw new RangeError(`tensor '${name}' [${shape.join(', ')}] has ${data.length} numbers`);
  const written = table.table(slots.quantization);
  const { scale, zeroPoint, axis } = tables.QuantizationParameters;
  const scales = Float32Array.from(written?.floats(scale) ?? []);
  const quantization = {
    scales,
    zero: written?.longs(zeroPoint).at(0) ?? 0,
    ...(scales.length > 1 && { axis: written?.int32(axis) ?? 0 }),
  };
  return { name, shape, element, ...(scales.length > 0 && { quantization }), ...(data && { data }) };
}

const refused = (what: string): NasError =>
  invalidInput(what, { hint: 'Files of nas export --to tflite are read; of other programs, give the ONNX file.' });

const namesByCode = new Map<number, BuiltinName>(
  (Object.keys(builtins) as BuiltinName[]).map((name) => [builtinOf(name).code, name]),
);

function operatorOf(table: Table, codes: readonly Table[]): TfliteOperator {
  const slots = tables.Operator;
  const code = codes.at(table.int32(slots.code));
  const { oldCode, code: newCode, version } = tables.OperatorCode;
  const number = Math.max(code?.int8(oldCode) ?? -1, code?.int32(newCode) ?? -1);
  const name = namesByCode.get(number);
  if (name === undefined) throw refused(`operator ${number} is none that nas writes`);
  const fields = Object.entries(builtinOf(name).options?.fields ?? {});
  const written = table.table(slots.options);
  const options = fields.map(([key, { slot, type, otherwise }]) => {
    const readers = { Int8: written?.int8, Int32: written?.int32, Float32: written?.float32 };
    return [key, readers[type]?.(slot, otherwise) ?? otherwise] as const;
  });
  const [inputs, outputs] = [table.ints(slots.inputs), table.ints(slots.outputs)];
  return { name, version: code?.int32(version, 1) ?? 1, options: Object.fromEntries(options), inputs, outputs };
}

/**
 * Reads a `.tflite` file, and makes something of it.
 * @param where what errors call it
 * @throws NasError `invalid-input` when it is damaged, or has operators or numbers that nas does not write
 */
export function readTflite<T>(bytes: Uint8Array, where: string, make: (model: TfliteModel) => T): T {
  if (Buffer.from(bytes.subarray(4, 8)).toString('latin1') !== fileIdentifier)
    throw invalidInput(`${where} is no LiteRT file (.tflite): it does not begin with the letters ${fileIdentifier}`);
  try {
    return make(decode(bytes));
  } catch (cause) {
    const why = messageOf(cause);
    if (cause instanceof NasError) throw invalidInput(`${where}: ${why}`, { cause, hint: cause.hint });
    throw invalidInput(`${where} is damaged: ${why}`, { cause, hint: 'Export or download it again.' });
  }
}

function decode(bytes: Uint8Array): TfliteModel {
  const { Model, SubGraph, Metadata } = tables;
  const model = Table.root(bytes);
  const graphs = model.tables(Model.subgraphs);
  if (graphs.length !== 1) throw refused(`it has ${graphs.length} graphs, not one`);
  const [graph] = graphs;
  const buffers = model.tables(Model.buffers).map((buffer) => buffer.bytes(tables.Buffer.data));
  const codes = model.tables(Model.operatorCodes);
  const texts = model.tables(Model.metadata).map((entry) => {
    const content = buffers.at(entry.int32(Metadata.buffer)) ?? new Uint8Array();
    return [entry.text(Metadata.name), new TextDecoder().decode(content)] as const;
  });
  const tensors = graph.tables(SubGraph.tensors).map((table) => tensorOf(table, buffers));
  const operators = graph.tables(SubGraph.operators).map((table) => operatorOf(table, codes));
  const [inputs, outputs] = [graph.ints(SubGraph.inputs), graph.ints(SubGraph.outputs)];
  const used = [...inputs, ...outputs, ...operators.flatMap((operator) => [...operator.inputs, ...operator.outputs])];
  const missing = used.find((id) => !(id in tensors));
  if (missing !== undefined) throw new RangeError(`there is no tensor ${missing}`);
  const description = model.text(Model.description);
  return { tensors, operators, inputs, outputs, description, metadata: Object.fromEntries(texts) };
}
