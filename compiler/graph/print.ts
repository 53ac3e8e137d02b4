import { attributeList, type Attribute, type Attributes } from './attributes.js';
import { contentHash } from '../../base/hash.js';
import type { OnnxGraph, OnnxNode, Port } from './graph.js';
import { bytesOf, type Constant, sizeOf, type ValueType } from './types.js';

export const typeText = ({ dtype, shape }: ValueType): string =>
  `${dtype}[${shape.map((size) => size ?? '?').join(',')}]`;

/** A constant as text: its values if they are few, otherwise their hash. */
const printConstant = (constant: Constant): string => {
  const type = `${constant.dtype}[${constant.shape.join(',')}]`;
  if (sizeOf(constant.shape) > 8) return `${type}#${contentHash(bytesOf(constant.data)).slice(0, 8)}`;
  const shorten = (value: number): string =>
    Object.is(value, -0) ? '-0' : String(constant.dtype === 'float32' ? Number(value.toPrecision(9)) : value);
  const values = Array.from(constant.data, Number).map(shorten);
  return constant.shape.length ? `${type}{${values.join(',')}}` : values[0];
};

const printAttribute = ({ kind, value }: Attribute): string => {
  if (kind === 'tensor') return printConstant(value);
  return kind === 'opaque' ? '?' : JSON.stringify(value);
};

const printAttributes = (attributes: Attributes): string => {
  const items = attributeList(attributes).map(([name, attribute]) => `${name}=${printAttribute(attribute)}`);
  return items.length ? ` {${items.join(', ')}}` : '';
};

/** Names that depend on the structure of the graph only, not on how it was built. */
function stableNames(graph: OnnxGraph): (name: string) => string {
  const names = new Map(graph.inputs.map(({ name }) => [name, name]));
  for (const { name } of graph.outputs) names.set(name, name);
  let counter = 0;
  return (name) => {
    const existing = names.get(name);
    if (existing !== undefined) return existing;
    const constant = graph.constants.get(name);
    const stable = name === '' ? '-' : constant ? printConstant(constant) : `%${counter++}`;
    names.set(name, stable);
    return stable;
  };
}

/** One line per node; equal for equal graphs with different names. */
export function graphLines(graph: OnnxGraph): readonly string[] {
  const name = stableNames(graph);
  return graph.nodes.map((node) => {
    const inputs = node.inputs.map(name).join(', ');
    const types = node.outputs.map((output) => {
      const known = graph.types.get(output);
      return known ? typeText(known) : '?';
    });
    return `${node.outputs.map(name).join(', ')}: ${types.join(', ')} = ${node.op}(${inputs})${printAttributes(node.attributes)}`;
  });
}

/** The graph as readable text with stable names: inputs, one line a node, outputs. */
export function printGraph(graph: OnnxGraph): string {
  const port = ({ name, ...type }: Port): string => `${name}: ${typeText(type)}`;
  return [
    `graph(${graph.inputs.map(port).join(', ')})`,
    ...graphLines(graph).map((line) => `  ${line}`),
    `  return ${graph.outputs.map(({ name }) => name).join(', ')}`,
  ].join('\n');
}

/** Attributes in a fixed order, as text, since JSON has no -0, NaN or infinity. */
const attributesOf = ({ attributes }: OnnxNode): readonly string[] =>
  attributeList(attributes)
    .map(([name, attribute]) => {
      const { kind } = attribute;
      if (kind === 'tensor' || kind === 'opaque') return `${name} ${kind} ${printAttribute(attribute)}`;
      return `${name} ${kind} ${[attribute.value]
        .flat()
        .map((x) => (Object.is(x, -0) ? '-0' : x))
        .join()}`;
    })
    .sort();

/**
 * Identity of the program: equal for graphs with equal operators, attributes, constants, types and order of inputs and
 * outputs. Names of values, ports and layers do not matter.
 */
export function graphHash(graph: OnnxGraph): string {
  const places = new Map<string, number>();
  const constants: unknown[] = [];
  const placeOf = (name: string): number => {
    if (name === '') return -1;
    const place = places.get(name) ?? places.size;
    const constant = places.has(name) ? undefined : graph.constants.get(name);
    places.set(name, place);
    if (constant) constants.push(place, constant.dtype, constant.shape, bytesOf(constant.data));
    return place;
  };
  const typed = (name: string): readonly unknown[] => {
    const type = graph.types.get(name);
    return [placeOf(name), type ? typeText(type) : null];
  };
  const inputs = graph.inputs.map(({ name }) => typed(name));
  const nodes = graph.nodes.map((node) => [
    node.op,
    node.inputs.map(placeOf),
    attributesOf(node),
    node.outputs.map(typed),
  ]);
  const outputs = graph.outputs.map(({ name }) => typed(name));
  return contentHash(graph.block, inputs, nodes, outputs, ...constants);
}
