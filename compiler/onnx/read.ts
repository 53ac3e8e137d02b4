import type { NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation, type AttributeProto } from 'onnx-buf';
import { operatorOf, sizeOf, withTypes, type OnnxGraph, type OnnxNode, type Port } from '../graph/index.js';
import {
  elementTypes,
  looseDim,
  openSizes,
  type Attribute,
  type Constant,
  type Data,
  type DType,
} from '../graph/index.js';

const dtypes = new Map<number, DType>(Object.entries(elementTypes).map(([dtype, { code }]) => [code, dtype as DType]));

/** The numbers of a tensor; undefined where they are of an unknown type, or in another file. */
function dataOf(tensor: TensorProto, dtype: DType, size: number): Data | undefined {
  const { rawData, floatData, int32Data, int64Data, uint64Data } = tensor;
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || dtype === 'opaque') return undefined;
  const { array } = elementTypes[dtype];
  // A copy, because the bytes may be unaligned in the file's buffer.
  if (rawData.length > 0)
    return rawData.length === size * array.BYTES_PER_ELEMENT ? new array(new Uint8Array(rawData).buffer) : undefined;
  const listed = {
    float32: () => Float32Array.from(floatData),
    int64: () => BigInt64Array.from(int64Data),
    uint32: () => Uint32Array.from(uint64Data, Number),
    int32: () => Int32Array.from(int32Data),
    float16: () => Uint16Array.from(int32Data),
    int8: () => Int8Array.from(int32Data),
    uint8: () => Uint8Array.from(int32Data),
    bool: () => Uint8Array.from(int32Data),
  };
  const data = listed[dtype]();
  return data.length === size ? data : undefined;
}

/** A tensor of a file; opaque if its numbers cannot be read. */
export function readConstant(tensor: TensorProto): Constant {
  const shape = tensor.dims.map(Number);
  const dtype = dtypes.get(tensor.dataType) ?? 'opaque';
  const data = dataOf(tensor, dtype, sizeOf(shape));
  return data
    ? { dtype, shape, data, proto: tensor }
    : { dtype: 'opaque', shape, data: new Uint8Array(), proto: tensor };
}

const texts = { decoder: new TextDecoder('utf8', { fatal: true }), encoder: new TextEncoder() };

function readAttribute(proto: AttributeProto): Attribute {
  const opaque: Attribute = { kind: 'opaque', value: proto };
  if (proto.refAttrName !== '' || proto.docString !== '') return opaque;
  switch (proto.type) {
    case Kind.INT: {
      const value = Number(proto.i);
      return Number.isSafeInteger(value) ? { kind: 'int', value } : opaque;
    }
    case Kind.INTS: {
      const value = proto.ints.map(Number);
      return value.every(Number.isSafeInteger) ? { kind: 'ints', value } : opaque;
    }
    case Kind.FLOAT:
      return { kind: 'float', value: proto.f };
    case Kind.FLOATS:
      return { kind: 'floats', value: proto.floats };
    case Kind.STRING:
      try {
        return { kind: 'string', value: texts.decoder.decode(proto.s) };
      } catch {
        return opaque;
      }
    case Kind.TENSOR:
      return proto.t === undefined ? opaque : { kind: 'tensor', value: readConstant(proto.t) };
    default:
      return opaque;
  }
}

const readNode = (proto: NodeProto): OnnxNode => ({
  op: operatorOf(proto.domain, proto.opType),
  name: proto.name,
  inputs: proto.input,
  outputs: proto.output,
  attributes: Object.fromEntries(proto.attribute.map((each) => [each.name, readAttribute(each)])),
  origin: '',
  proto,
});

/** Ports of a file: sizes with the same name are one open size; each size without a name is a separate open size. */
function portReader() {
  const named = new Map<string, number>();
  const open = (name: string): number => {
    const index = named.get(name) ?? named.size;
    named.set(name, index);
    return openSizes[index] ?? NaN;
  };
  return ({ name, type }: ValueInfoProto): Port => {
    const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
    const dtype = dtypes.get(tensor?.elemType ?? 0);
    if (tensor?.shape === undefined || dtype === undefined) return { name, dtype: 'opaque', shape: [] };
    const shape = tensor.shape.dim.map(({ value }, axis) => {
      if (value.case === 'dimValue' && value.value >= 0n) return looseDim(Number(value.value));
      return looseDim(open(value.case === 'dimParam' && value.value !== '' ? value.value : `${name}[${axis}]`));
    });
    return { name, dtype, shape };
  };
}

/**
 * The graph of an ONNX file of any program. Operators, types and attributes that the compiler does not know are kept
 * unchanged; value types are inferred from the inputs.
 */
export function readGraph(source: NonNullable<OnnxGraph['source']>): OnnxGraph {
  const { graph } = source;
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, readConstant(tensor)]));
  const portOf = portReader();
  const inputs = graph.input.filter(({ name }) => !constants.has(name)).map(portOf);
  const outputs = graph.output.map(portOf);
  const nodes = graph.node.map(readNode);
  return withTypes({ source, inputs, outputs, nodes, constants, types: new Map(), block: null });
}
