import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type AttributeProto,
  type NodeProto,
} from 'onnx-buf';

/** A node as rewrites see it. A plain value: `{ ...node, input }` is one that reads something else. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** `''` for the standard operators. */
  readonly domain: string;
  /** Names of tensors; `''` for an input that is left out. */
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** The same of a node in a file. (A spread of that would lose what the file leaves out.) */
export const nodeFrom = ({ name, opType, domain, input, output, attribute }: NodeProto): OnnxNode => ({
  name,
  opType,
  domain: domain === 'ai.onnx' ? '' : domain,
  input,
  output,
  attribute,
});

type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;
export type AttributeValue = Omit<AttributeInit, '$typeName' | 'name'>;

export const int = (value: number): AttributeValue => ({ type: Kind.INT, i: BigInt(value) });
export const ints = (values: readonly number[]): AttributeValue => ({ type: Kind.INTS, ints: values.map(BigInt) });
export const float = (value: number): AttributeValue => ({ type: Kind.FLOAT, f: value });
export const text = (value: string): AttributeValue => ({ type: Kind.STRING, s: new TextEncoder().encode(value) });

/**
 * A node of the default domain, named after its first output.
 * @param input names of its inputs; `''` for one that is left out
 */
export const onnxNode = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): OnnxNode => ({
  name: output[0],
  opType,
  domain: '',
  input,
  output,
  attribute: Object.entries(attributes).map(([name, value]) => create(AttributeProtoSchema, { name, ...value })),
});

const attribute = (node: OnnxNode, name: string) => node.attribute.find((one) => one.name === name);

export function intOf(node: OnnxNode, name: string, byDefault: number): number {
  const found = attribute(node, name);
  return found === undefined ? byDefault : Number(found.i);
}

export const intsOf = (node: OnnxNode, name: string): readonly number[] | undefined =>
  attribute(node, name)?.ints.map(Number);

export const floatOf = (node: OnnxNode, name: string, byDefault: number): number =>
  attribute(node, name)?.f ?? byDefault;

export function textOf(node: OnnxNode, name: string, byDefault: string): string {
  const found = attribute(node, name);
  return found === undefined ? byDefault : new TextDecoder().decode(found.s);
}

/** The standard operator that a node is; `null` for those of other domains. */
export const operatorOf = ({ domain, opType }: OnnxNode): string | null => (domain === '' ? opType : null);

/** As errors and reports name a node: by its name, or, where it has none, by what it gives. */
export const nodeLabel = ({ name, output }: OnnxNode): string => name || output[0];

/**
 * The same nodes with names of their own: ONNX Runtime refuses files in which two are called alike. The first of those keeps
 * the name, the others have it with a number; nodes without a name stay so.
 */
export function namedApart(nodes: readonly OnnxNode[]): OnnxNode[] {
  const taken = new Set(nodes.map(({ name }) => name));
  const given = new Set(['']);
  return nodes.map((node) => {
    let { name } = node;
    for (let i = 2; name !== '' && given.has(name); i++) {
      const other = `${node.name}_${i}`;
      if (!taken.has(other)) name = other;
    }
    given.add(name);
    taken.add(name);
    return { ...node, name };
  });
}
