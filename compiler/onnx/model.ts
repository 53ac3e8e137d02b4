import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from 'onnx-buf';
import type { Attribute, Graph, Port } from '../graph/index.js';
import { attributeList, bytesOf, elementTypes, onnxName } from '../graph/index.js';

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

const valueInfo = ({ name, dtype, shape }: Port) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: elementTypes[dtype].code,
        shape: {
          dim: shape.map((d) => ({
            value:
              typeof d === 'number'
                ? { case: 'dimValue' as const, value: BigInt(d) }
                : { case: 'dimParam' as const, value: d },
          })),
        },
      },
    },
  },
});

/** The graph as an ONNX file (ModelProto). A dynamic batch becomes the dimension N. */
export function encodeModel(graph: Graph, options: ModelOptions): Uint8Array {
  const domains = new Set(graph.nodes.map(({ op }) => onnxName(op).domain));
  domains.delete('');
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'nas',
    opsetImport: [{ domain: '', version: BigInt(opset) }, ...[...domains].map((domain) => ({ domain, version: 1n }))],
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: options.name,
      node: graph.nodes.map(({ op, inputs, outputs, attributes, origin }) => {
        const { domain, type } = onnxName(op);
        return {
          name: origin ? `${origin}/${outputs[0]}` : outputs[0],
          opType: type,
          domain,
          input: [...inputs],
          output: [...outputs],
          attribute: attributeList(attributes).map(([name, attribute]) => ({ name, ...attributeFields(attribute) })),
        };
      }),
      initializer: [...graph.constants].map(([name, { shape, dtype, data }]) => ({
        name,
        dims: shape.map(BigInt),
        dataType: elementTypes[dtype].code,
        rawData: new Uint8Array(bytesOf(data)),
      })),
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    },
  });
  return toBinary(ModelProtoSchema, model);
}
