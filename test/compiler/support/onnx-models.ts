import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  TensorProto_DataType as Type,
  ValueInfoProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { product } from '../../../base/statistics.js';
import { bytesOf, dtypeOf, elementTypes, parseOnnx, readGraph } from '../../../compiler/index.js';
import type { Data, OnnxFile, OnnxGraph } from '../../../compiler/index.js';

type AttributeText =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorProto }
  | string;

const attribute = (name: string, value: AttributeText) => {
  if (typeof value === 'number') return { name, type: Kind.INT, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: Kind.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: Kind.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: Kind.FLOATS, floats: [...value.floats] };
  if ('tensor' in value) return { name, type: Kind.TENSOR, t: value.tensor };
  return { name, type: Kind.INTS, ints: value.map(BigInt) };
};

/** A node; plain numbers are integer attributes. */
export interface NodeText {
  readonly op: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeText>>;
  readonly domain?: string;
  readonly name?: string;
}

/** `node('Conv', 'x w b', 'y', { group: 2 })`; `_` is an input that is left out. */
export const node = (
  op: string,
  input: string,
  output: string,
  attributes: NonNullable<NodeText['attributes']> = {},
): NodeText => ({
  op,
  input: input
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => (name === '_' ? '' : name)),
  output: output.split(' '),
  attributes,
});

export type ConstantText = readonly [dims: readonly number[], data: Data];

/** A vector of int64, such as a shape or axes. */
export const integers = (...values: readonly number[]): ConstantText => [
  [values.length],
  BigInt64Array.from(values, BigInt),
];
export const scalar = (value: number): ConstantText => [[], Float32Array.of(value)];
export const ones = (...dims: readonly number[]): ConstantText => [dims, new Float32Array(product(dims)).fill(1)];

export interface ModelText {
  readonly nodes: readonly NodeText[];
  readonly constants?: Readonly<Record<string, ConstantText>>;
  /** Further tensors, written unchanged. */
  readonly tensors?: readonly TensorProto[];
  readonly input?: readonly (number | string)[];
  readonly output?: string;
  readonly opset?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An input or output of a graph; without a shape, its rank is unknown. */
export const port = (name: string, elemType: Type, shape?: readonly (number | string)[]) => {
  const dim = shape?.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, ...(dim && { shape: { dim } }) } } },
  });
};

/** A file as other programs write it; by default from `x` to `y`. */
export function modelOf(spec: ModelText): OnnxFile {
  const { nodes, constants = {}, tensors = [], input = ['N', 3, 8, 8], output = 'y', opset = 17, metadata = {} } = spec;
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'test',
      node: nodes.map(({ op, input: read, output: made, attributes = {}, domain, name = `the ${made[0]}` }) => ({
        name,
        opType: op,
        ...(domain !== undefined && { domain }),
        input: [...read],
        output: [...made],
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: [
        ...Object.entries(constants).map(([name, [dims, data]]) => ({
          name,
          dims: dims.map(BigInt),
          dataType: elementTypes[dtypeOf(data)].code,
          rawData: new Uint8Array(bytesOf(data)),
        })),
        ...tensors,
      ],
      input: [port('x', Type.FLOAT, input)],
      output: [port(output, Type.FLOAT)],
    },
  });
  return parseOnnx(toBinary(ModelProtoSchema, model));
}

export const bytesOfModel = (spec: ModelText): Uint8Array => toBinary(ModelProtoSchema, modelOf(spec));

/** The graph of such a file. */
export const graphFrom = (spec: ModelText): OnnxGraph => readGraph(modelOf(spec));
