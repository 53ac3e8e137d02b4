import type { OnnxOp } from './operators.js';
import { inferTypes } from './operators.js';
import type { Attributes, Constant, Shape, TensorType, ValueType } from './types.js';
import { tensorType } from './types.js';

/** One operation. Values are named; every name is written once. An empty input name is an optional input left out. */
export interface Node {
  readonly op: OnnxOp;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** The layer whose code recorded the node first; empty when unknown. */
  readonly origin: string;
}

export interface Port extends ValueType {
  readonly name: string;
}

/** A whole program in static single assignment form; nodes stand in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Type of every value. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Channels in a block of the blocked layout (8 or 16); null when the graph does not use it. */
  readonly block: number | null;
}

/** What is needed to look values up while a graph is built or checked. */
export interface Scope {
  type(name: string): TensorType | undefined;
  constant(name: string): Constant | undefined;
  producer(name: string): Node | undefined;
  readonly block: number | null;
}

const intOf = (node: Node, name: string): number | undefined => {
  const attribute = node.attributes[name];
  return attribute?.kind === 'int' ? attribute.value : undefined;
};

/** Numbers that a value is known to hold: constants, shapes, and concatenations of those. */
function numbersOf(scope: Scope, name: string): readonly number[] | null {
  const constant = scope.constant(name);
  if (constant) return Array.from(constant.data, Number);
  const node = scope.producer(name);
  if (node?.op === 'Shape') {
    const shape: Shape = scope.type(node.inputs[0])?.shape ?? [];
    return shape.slice(intOf(node, 'start') ?? 0, intOf(node, 'end'));
  }
  if (node?.op === 'Concat') {
    const parts = node.inputs.map((part) => numbersOf(scope, part));
    return parts.every((part) => part !== null) ? parts.flat() : null;
  }
  return null;
}

/** Types of a node's outputs, inferred anew. */
export function inferNode(
  scope: Scope,
  node: Pick<Node, 'op' | 'inputs' | 'attributes'>,
  outputs: number,
): readonly TensorType[] {
  return inferTypes(node.op, {
    op: node.op,
    inputs: node.inputs.map((name) => scope.type(name)),
    attributes: node.attributes,
    outputs,
    numbers: (index) => numbersOf(scope, node.inputs[index]),
    block: scope.block,
  });
}

/** Whether sizes depend on a batch that is known only at run time. */
export const isDynamic = ({ inputs }: Graph): boolean =>
  inputs.some(({ shape }) => shape.some((dim) => typeof dim !== 'number'));

const scopedType = (graph: Graph, name: string): TensorType | undefined => {
  const type = graph.types.get(name);
  return type && tensorType(type);
};

/** The values of a finished graph. */
export function scopeOf(graph: Graph): Scope {
  const producers = producersOf(graph.nodes);
  return {
    type: (name) => scopedType(graph, name),
    constant: (name) => graph.constants.get(name),
    producer: (name) => producers.get(name),
    block: graph.block,
  };
}

/** The shape of a value, to compute with. */
export const shapeIn = (graph: Graph, name: string): Shape => scopedType(graph, name)?.shape ?? [];

/** How often each operator occurs. */
export function histogram(graph: Graph): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The node that computes each value. */
export function producersOf(nodes: readonly Node[]): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of nodes) for (const name of node.outputs) producers.set(name, node);
  return producers;
}
