import type { OnnxOp } from './operators.js';
import { inferTypes } from './operators.js';
import type { Attributes, Constant, Shape, TensorType } from './types.js';

/** One operation. Values are named; every name is written once. An empty input name is an optional input left out. */
export interface Node {
  readonly op: OnnxOp;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** The layer whose code recorded the node first; empty when unknown. */
  readonly origin: string;
}

export interface Port extends TensorType {
  readonly name: string;
}

/** A whole program in static single assignment form; nodes stand in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Type of every value. */
  readonly types: ReadonlyMap<string, TensorType>;
  /** The size that stands for the dynamic batch N while tracing; null when all shapes are fixed. */
  readonly dynamicBatch: number | null;
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

/** How often each operator occurs. */
export function histogram(graph: Graph): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The node that computes each value. */
export function producersOf(nodes: readonly Node[]): Map<string, Node> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}
