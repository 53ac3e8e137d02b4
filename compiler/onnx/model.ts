import { clone, create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProtoSchema,
  type NodeProto,
  type TensorProto,
} from 'onnx-buf';
import type { Attribute, Constant, OnnxGraph, OnnxNode } from '../graph/index.js';
import { attributeList, bytesOf, elementTypes, onnxName, operatorOf, type DType } from '../graph/index.js';

/** Operator set of the default domain, and the file format's version that came with it. */
export const opset = 18;
const irVersion = 8n;

export interface ModelOptions {
  readonly name: string;
  /** Written into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
}

type AttributeFields = { type: Kind } & (
  | { i: bigint }
  | { ints: bigint[] }
  | { f: number }
  | { floats: number[] }
  | { s: Uint8Array<ArrayBuffer> }
  | { t: TensorProto }
);

function attributeFields(attribute: Exclude<Attribute, { kind: 'opaque' }>): AttributeFields {
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
    case 'tensor':
      return { type: Kind.TENSOR, t: initializer([attribute.value.proto?.name ?? '', attribute.value]) };
  }
}

const attributeProto = ([name, attribute]: readonly [string, Attribute]): AttributeProto =>
  attribute.kind === 'opaque' ? attribute.value : create(AttributeProtoSchema, { name, ...attributeFields(attribute) });

/** A graph, a node and a port as they stand in a file. */
export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
export type PortInit = MessageInitShape<typeof ValueInfoProtoSchema>;

/** A port of a graph; open sizes have names, and the shape may be left to the runtime (null). */
export const portInit = (name: string, dtype: DType, shape: readonly (number | string | null)[] | null): PortInit => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: elementTypes[dtype].code,
        ...(shape && {
          shape: {
            dim: shape.map((d) => ({
              value:
                typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d ?? '' },
            })),
          },
        }),
      },
    },
  },
});

/** The name of a node in the file. */
export const nodeName = ({ name, origin, outputs }: Pick<OnnxNode, 'name' | 'origin' | 'outputs'>): string =>
  name ?? (origin ? `${origin}/${outputs[0]}` : outputs[0]);

function nodeProto(node: OnnxNode): NodeProto {
  const { op, proto } = node;
  const { domain, type: opType } = onnxName(op);
  const isRead = proto !== undefined && operatorOf(proto.domain, proto.opType) === op;
  const name = nodeName(node);
  // Unchanged fields are not set again, because the file may omit them.
  return Object.assign(proto ? clone(NodeProtoSchema, proto) : create(NodeProtoSchema), {
    ...(proto?.name !== name && { name }),
    ...(!isRead && { opType, domain }),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: attributeList(node.attributes).map(attributeProto),
  });
}

const initializer = ([name, { shape, dtype, data, proto }]: readonly [string, Constant]): TensorProto =>
  proto
    ? Object.assign(clone(TensorProtoSchema, proto), proto.name !== name && { name })
    : create(TensorProtoSchema, {
        name,
        dims: shape.map(BigInt),
        dataType: elementTypes[dtype].code,
        rawData: new Uint8Array(bytesOf(data)),
      });

/** The nodes and constants of a graph, without its ports. */
export const contentInit = ({ nodes, constants }: Pick<OnnxGraph, 'nodes' | 'constants'>) => ({
  node: nodes.map(nodeProto),
  initializer: [...constants].map(initializer),
});

/** The file (ModelProto) whose graph is `main`; `graph` has all operators that occur in it. */
export function encodeFile(main: GraphInit, graph: OnnxGraph, { name, metadata = {} }: ModelOptions): Uint8Array {
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
export function encodeModel(graph: OnnxGraph, options: ModelOptions): Uint8Array {
  const ports = (side: OnnxGraph['inputs']): PortInit[] =>
    side.map(({ name, dtype, shape }) => portInit(name, dtype, shape));
  const main = { ...contentInit(graph), input: ports(graph.inputs), output: ports(graph.outputs) };
  return encodeFile(main, graph, options);
}

/**
 * Makes node names unique: ONNX Runtime refuses files with duplicate names. The first node keeps the name, the others get
 * a number appended; nodes without a name stay unnamed.
 */
function namedApart(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const taken = new Set(nodes.map(({ name }) => name));
  const given = new Set(['']);
  for (const node of nodes) {
    const base = node.name;
    for (let i = 2; node.name !== '' && given.has(node.name); i++)
      if (!taken.has(`${base}_${i}`)) node.name = `${base}_${i}`;
    given.add(node.name);
    taken.add(node.name);
  }
  return nodes;
}

/** The file of a graph that was read from one (see `readGraph`); fields that a graph does not model are unchanged. */
export function encodeRead({ source, ...graph }: OnnxGraph): Uint8Array {
  if (source === undefined) throw new Error('internal: the graph was not read from a file');
  const { node, initializer: tensors } = contentInit(graph);
  const ports = new Map(source.graph.output.map((port) => [port.name, port]));
  const output = graph.outputs.map(
    ({ name, dtype }) => ports.get(name) ?? create(ValueInfoProtoSchema, portInit(name, dtype, null)),
  );
  const edited = { ...source.graph, node: [...namedApart(node)], initializer: tensors, output };
  return toBinary(ModelProtoSchema, { ...source, graph: edited });
}
