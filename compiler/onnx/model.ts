import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type GraphProtoSchema,
  type NodeProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Attribute, Constant, Graph, Node } from '../graph/index.js';
import { attributeList, bytesOf, elementTypes, onnxName, type DType } from '../graph/index.js';

/** Operator set of the default domain, and the file format's version that came with it. */
export const opset = 18;
const irVersion = 8n;

export interface ModelOptions {
  readonly name: string;
  /** Written into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
}

type AttributeFields = { type: Kind } & (
  { i: bigint } | { ints: bigint[] } | { f: number } | { floats: number[] } | { s: Uint8Array<ArrayBuffer> }
);

function attributeFields(attribute: Attribute): AttributeFields {
  switch (attribute.kind) {
    case 'int':
      return { type: Kind.INT, i: BigInt(attribute.value) };
    case 'ints':
      return { type: Kind.INTS, ints: attribute.value.map(BigInt) };
    case 'float':
      return { type: Kind.FLOAT, f: attribute.value };
    case 'floats':
      return { type: Kind.FLOATS, floats: [...attribute.value] };
    case 'string':
      return { type: Kind.STRING, s: new Uint8Array(new TextEncoder().encode(attribute.value)) };
  }
}

/** A graph, a node and a port as they stand in a file. */
export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
export type PortInit = MessageInitShape<typeof ValueInfoProtoSchema>;

/** A port of a graph; a size that is open has a name. */
export const portInit = (name: string, dtype: DType, shape: readonly (number | string)[]): PortInit => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: elementTypes[dtype].code,
        shape: {
          dim: shape.map((d) => ({
            value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
          })),
        },
      },
    },
  },
});

/** The name of a node in the file. */
export const nodeName = ({ origin, outputs }: Pick<Node, 'origin' | 'outputs'>): string =>
  origin ? `${origin}/${outputs[0]}` : outputs[0];

const nodeInit = ({ op, inputs, outputs, attributes, origin }: Node): NodeInit => {
  const { domain, type } = onnxName(op);
  return {
    name: nodeName({ origin, outputs }),
    opType: type,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: attributeList(attributes).map(([name, attribute]) => ({ name, ...attributeFields(attribute) })),
  };
};

const initializer = ([name, { shape, dtype, data }]: readonly [string, Constant]) => ({
  name,
  dims: shape.map(BigInt),
  dataType: elementTypes[dtype].code,
  rawData: new Uint8Array(bytesOf(data)),
});

/** The nodes and constants of a graph, without its ports. */
export const contentInit = ({ nodes, constants }: Graph) => ({
  node: nodes.map(nodeInit),
  initializer: [...constants].map(initializer),
});

/** The file (ModelProto) whose graph is `main`; `graph` has all operators that occur in it. */
export function encodeFile(main: GraphInit, graph: Graph, { name, metadata = {} }: ModelOptions): Uint8Array {
  const domains = new Set(graph.nodes.map(({ op }) => onnxName(op).domain));
  domains.delete('');
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'nas',
    opsetImport: [{ domain: '', version: BigInt(opset) }, ...[...domains].map((domain) => ({ domain, version: 1n }))],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: { name, ...main },
  });
  return toBinary(ModelProtoSchema, model);
}

/** The graph as an ONNX file (ModelProto). A dynamic batch becomes the dimension N. */
export function encodeModel(graph: Graph, options: ModelOptions): Uint8Array {
  const ports = (side: Graph['inputs']): PortInit[] =>
    side.map(({ name, dtype, shape }) => portInit(name, dtype, shape));
  const main = { ...contentInit(graph), input: ports(graph.inputs), output: ports(graph.outputs) };
  return encodeFile(main, graph, options);
}
