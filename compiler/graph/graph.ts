import { countsOf } from '../../base/group.js';
import type { Attributes } from './attributes.js';
import type { GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import type { OnnxOp } from './operators.js';
import { tensorType, type Constant, type Shape, type TensorType, type ValueType } from './types.js';

/**
 * One operation. Values are named; every name is written once. An empty input name is an optional input left out.
 * Operators that the compiler does not know stand as `domain:name` (see `operatorOf`).
 */
export interface Node<Op extends string = OnnxOp> {
  readonly op: Op;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** The layer whose code recorded the node first; empty when unknown. */
  readonly origin: string;
  /** Its name in a file; default: made of the layer and the first output. */
  readonly name?: string;
  /** The node as it is in the file that the graph was read from; its other fields are written unchanged. */
  readonly proto?: NodeProto;
}

/** The origin of an optimizer's nodes. */
export const optimizerOrigin = 'optimizer';

export interface Port extends ValueType {
  readonly name: string;
}

/** A whole program in static single assignment form; nodes stand in an order in which they can run. */
export interface Graph<Op extends string = OnnxOp> {
  /** Values that the caller provides; file inputs with a default value are constants instead. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node<Op>[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Type of every value; of a graph that was read from a file, of those values whose types follow from its inputs. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Channels in a block of the blocked layout (8 or 16); null when the graph does not use it. */
  readonly block: number | null;
  /** The file that the graph was read from; its other fields are written unchanged. */
  readonly source?: ModelProto & { readonly graph: GraphProto };
}

/** A graph and a node of any operators, as in files of other programs. */
export type OnnxGraph = Graph<string>;
export type OnnxNode = Node<string>;

/** Access to the values of a graph while it is built or checked. */
export interface Scope {
  type(name: string): TensorType | undefined;
  constant(name: string): Constant | undefined;
  producer(name: string): OnnxNode | undefined;
  readonly block: number | null;
  /** Whether types may be unknown: the graph was read from a file. */
  readonly loose: boolean;
  /** Integers inferred earlier (see `numbersOf`), by the value that holds them. */
  readonly knownIntegers?: Map<string, readonly number[] | null>;
}

/** A node's name in messages: its name in the file; without one, the name of its first output. */
export const nodeLabel = ({ name, outputs }: OnnxNode): string => name || outputs[0];

/** Whether sizes depend on a batch that is known only at run time. */
export const isDynamic = ({ inputs }: OnnxGraph): boolean =>
  inputs.some(({ shape }) => shape.some((dim) => typeof dim !== 'number'));

const scopedType = (graph: OnnxGraph, name: string): TensorType | undefined => {
  const type = graph.types.get(name);
  return type && tensorType(type);
};

/** The values of a finished graph. */
export function scopeOf(graph: OnnxGraph): Scope {
  const producers = producersOf(graph.nodes);
  return {
    type: (name) => scopedType(graph, name),
    constant: (name) => graph.constants.get(name),
    producer: (name) => producers.get(name),
    block: graph.block,
    loose: graph.source !== undefined,
    knownIntegers: new Map(),
  };
}

/** The shape of a value, to compute with. */
export const shapeIn = (graph: OnnxGraph, name: string): Shape => scopedType(graph, name)?.shape ?? [];

/** How often each operator occurs. */
export function histogram(graph: OnnxGraph): Readonly<Record<string, number>> {
  return Object.fromEntries(countsOf(graph.nodes.map(({ op }) => op)));
}

/** The node that computes each value. */
export function producersOf<Op extends string>(nodes: readonly Node<Op>[]): Map<string, Node<Op>> {
  const producers = new Map<string, Node<Op>>();
  for (const node of nodes) for (const name of node.outputs) producers.set(name, node);
  return producers;
}
