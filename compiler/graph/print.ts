import { contentHash } from '../../base/hash.js';
import type { Graph, Port } from './graph.js';
import type { Attributes, Constant, ValueType } from './types.js';
import { attributeList, bytesOf, sizeOf } from './types.js';

export const typeText = ({ dtype, shape }: ValueType): string => `${dtype}[${shape.join(',')}]`;

const printAttributes = (attributes: Attributes): string => {
  const items = attributeList(attributes).map(([name, { value }]) => `${name}=${JSON.stringify(value)}`);
  return items.length ? ` {${items.join(', ')}}` : '';
};

/** A constant as text: its values when they are few, otherwise a hash of them. */
const printConstant = (constant: Constant): string => {
  const type = `${constant.dtype}[${constant.shape.join(',')}]`;
  if (sizeOf(constant.shape) > 8) return `${type}#${contentHash(bytesOf(constant.data)).slice(0, 8)}`;
  const shorten = (value: number): string =>
    Object.is(value, -0) ? '-0' : String(constant.dtype === 'float32' ? Number(value.toPrecision(9)) : value);
  const values = Array.from(constant.data, Number).map(shorten);
  return constant.shape.length ? `${type}{${values.join(',')}}` : values[0];
};

/** Names that depend on the structure of the graph only, not on how it was built. */
function stableNames(graph: Graph): (name: string) => string {
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

/** One line a node; equal for equal graphs, whatever the order in which values were numbered. */
export function graphLines(graph: Graph): readonly string[] {
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
export function printGraph(graph: Graph): string {
  const port = ({ name, ...type }: Port): string => `${name}: ${typeText(type)}`;
  return [
    `graph(${graph.inputs.map(port).join(', ')})`,
    ...graphLines(graph).map((line) => `  ${line}`),
    `  return ${graph.outputs.map(({ name }) => name).join(', ')}`,
  ].join('\n');
}
