import type { Graph, Node, Scope } from './graph.js';
import { inferNode, numbersOf } from './infer.js';
import type { OnnxOp } from './operators.js';
import { typeText } from './print.js';
import type { Constant, Data, DType, Shape, TensorType, ValueType } from './types.js';
import { dtypeOf, sameShape, standIns, tensorType, valueType } from './types.js';

/** A node that a pass makes; attributes and layer are optional. */
export type NewNode<Op extends string = OnnxOp> = Pick<Node<Op>, 'op' | 'inputs' | 'outputs'> & Partial<Node<Op>>;

/** The entries of a map whose names are among these, in the order of the map; the map itself, when all are. */
function only<T>(map: ReadonlyMap<string, T>, names: ReadonlySet<string>): ReadonlyMap<string, T> {
  let kept = 0;
  for (const name of map.keys()) if (names.has(name)) kept++;
  if (kept === map.size) return map;
  const entries = new Map<string, T>();
  // Unlike a loop, forEach allocates no array per entry; a graph has tens of thousands of entries.
  map.forEach((value, name) => {
    if (names.has(name)) entries.set(name, value);
  });
  return entries;
}

/** The graph without nodes, constants and inputs on which no output depends; the inputs of a file stay. */
export function withoutDeadCode<Op extends string>(graph: Graph<Op>): Graph<Op> {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const kept: Node<Op>[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) if (name !== '') needed.add(name);
  }
  if (graph.source) for (const { name } of graph.inputs) needed.add(name);
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  const constants = only(graph.constants, needed);
  // Unread outputs of nodes have a type, too.
  for (const { outputs } of kept) for (const name of outputs) needed.add(name);
  return { ...graph, nodes: kept.reverse(), inputs, constants, types: only(graph.types, needed) };
}

/** A node's place in the order of the graph: a link of a ring that begins and ends at a link without a node. */
interface Place<Op extends string> {
  before: Place<Op>;
  after: Place<Op>;
  readonly node: Node<Op> | null;
}

/**
 * A graph under revision: nodes in their order, constants, and which nodes compute and read each value, kept up to date.
 * Types of new nodes follow from the rules of the operators. Nodes never change: to read another value, a node is replaced.
 */
export class GraphEditor<Op extends string = OnnxOp> implements Scope {
  readonly block: number | null;
  readonly loose: boolean;
  readonly knownIntegers = new Map<string, readonly number[] | null>();
  readonly inputs: readonly string[];
  private readonly outputs: ReadonlySet<string>;
  private readonly types: Map<string, ValueType>;
  private readonly constants: Map<string, Constant>;
  private readonly producers = new Map<string, Node<Op>>();
  private readonly readers = new Map<string, Set<Node<Op>>>();
  private readonly taken: Set<string>;
  private readonly replaced = new Map<string, string>();
  private readonly places = new Map<Node<Op>, Place<Op>>();
  private readonly ends: Place<Op>;
  /** The place after which the next prepended node goes. */
  private front: Place<Op>;

  constructor(private readonly graph: Graph<Op>) {
    this.block = graph.block;
    this.loose = graph.source !== undefined;
    this.inputs = graph.inputs.map(({ name }) => name);
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
    this.types = new Map(graph.types);
    this.constants = new Map(graph.constants);
    this.taken = new Set([...this.inputs, ...this.constants.keys()]);
    const ends = { node: null } as Place<Op>;
    this.ends = this.front = Object.assign(ends, { before: ends, after: ends });
    for (const node of graph.nodes) this.link(node, this.ends.before);
  }

  /** The nodes of the graph in order; for a node that was replaced meanwhile, the node that now computes its first output. */
  *nodes(): Generator<Node<Op>> {
    for (const node of [...this.order()]) {
      const now = this.places.has(node) ? node : this.producers.get(node.outputs[0]);
      if (now !== undefined) yield now;
    }
  }

  type(name: string): TensorType | undefined {
    const type = this.types.get(name);
    return type && tensorType(type);
  }

  /** Undefined where not even the rank is known, as in a file of another program. */
  shape(name: string): Shape | undefined {
    return this.type(name)?.shape;
  }

  shapeOf(name: string): Shape {
    return this.shape(name) ?? [];
  }

  constant(name: string): Constant | undefined {
    return this.constants.get(name);
  }

  /** The numbers of a float32 constant; undefined for other values. */
  floats(name: string | undefined): Float32Array | undefined {
    const data = this.constants.get(name ?? '')?.data;
    return data instanceof Float32Array ? data : undefined;
  }

  /** Integers that a value is known to hold: see `numbersOf`. */
  numbers(name: string): readonly number[] | null {
    return numbersOf(this, name);
  }

  /** The node that computes a value; none for inputs and constants. */
  producer(name: string): Node<Op> | undefined {
    return this.producers.get(name);
  }

  /** The nodes that read a value, each listed once. */
  consumers(name: string): readonly Node<Op>[] {
    return [...(this.readers.get(name) ?? [])];
  }

  /** The single reader of a value; undefined with several readers, or for an output of the graph. */
  only(name: string): Node<Op> | undefined {
    const readers = this.consumers(name);
    return readers.length === 1 && !this.outputs.has(name) ? readers[0] : undefined;
  }

  isOutput(name: string): boolean {
    return this.outputs.has(name);
  }

  /** An unused name: the given one, or with a number appended. The same edits give the same names. */
  fresh(base: string): string {
    let name = base;
    for (let i = 2; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Adds a constant under the given name, with a number appended if the name is taken. Returns the name. */
  addConstant(base: string, shape: Shape, data: Data, dtype: DType = dtypeOf(data)): string {
    const name = this.fresh(base);
    this.constants.set(name, { dtype, shape, data });
    return this.declare(name, { dtype, shape });
  }

  /** Adds a vector of int64. */
  addIntegers(base: string, values: readonly number[]): string {
    return this.addConstant(base, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Declares the type of a value that will be an input of the graph. */
  declare(name: string, type: ValueType): string {
    this.taken.add(name);
    this.types.set(name, type);
    return name;
  }

  /** Makes what a node computes a constant of the same name, and removes the node. */
  settle(node: Node<Op>, constant: Constant): void {
    this.remove(node);
    this.constants.set(node.outputs[0], constant);
  }

  /** Replaces a node by others, given in an order in which they can run. */
  replace(node: Node<Op>, ...by: readonly NewNode<Op>[]): void {
    let before = this.unlink(node);
    for (const each of by) before = this.define(each, before);
  }

  remove(node: Node<Op>): void {
    this.replace(node);
  }

  /** Puts nodes before all nodes of the graph, but behind nodes that were prepended before. */
  prepend(...nodes: readonly NewNode<Op>[]): void {
    for (const node of nodes) this.front = this.define(node, this.front);
  }

  /** Puts a node behind all nodes of the graph. */
  append(node: NewNode<Op>): void {
    this.define(node, this.ends.before);
  }

  /** Readers of `name` read `by` instead; outputs of the graph keep their names. */
  replaceUses(name: string, by: string): void {
    this.replaced.set(name, by);
    for (const node of this.consumers(name)) {
      const inputs = node.inputs.map((input) => (input === name ? by : input));
      this.change(node, { ...node, inputs });
    }
  }

  /**
   * Removes a node whose result equals the existing value `by`. If the result is an output of the graph, the node that
   * computes `by` takes over the output's name. Returns false and keeps the graph where that is impossible.
   */
  bypass(node: Node<Op>, by: string): boolean {
    const [result] = node.outputs;
    if (!this.outputs.has(result)) {
      this.replaceUses(result, by);
      this.remove(node);
      return true;
    }
    const maker = this.producers.get(by);
    if (maker === undefined || this.outputs.has(by)) return false;
    this.remove(node);
    const outputs = maker.outputs.map((output) => (output === by ? result : output));
    this.change(maker, { ...maker, outputs });
    this.replaceUses(by, result);
    return true;
  }

  /** Removes dead nodes. */
  sweep(): void {
    for (const node of [...this.order()].reverse())
      if (!node.outputs.some((name) => this.outputs.has(name) || this.readers.get(name)?.size)) this.unlink(node);
  }

  /** Removes the nodes that compute these values, and the nodes that only these depend on. */
  prune(names: readonly string[]): void {
    for (const name of names) {
      const node = this.producers.get(name);
      if (!node || node.outputs.some((output) => this.outputs.has(output) || this.readers.get(output)?.size)) continue;
      this.unlink(node);
      this.prune(node.inputs);
    }
  }

  /** The edited graph without dead code, with other ports where they are given. */
  finish(ports: Partial<Pick<Graph, 'inputs' | 'outputs'>> = {}): Graph<Op> {
    const nodes = [...this.order()];
    return withoutDeadCode({ ...this.graph, ...ports, nodes, constants: this.constants, types: this.types });
  }

  private *order(): Generator<Node<Op>> {
    for (let place = this.ends.after; place.node !== null; place = place.after) yield place.node;
  }

  private define(made: NewNode<Op>, before: Place<Op>): Place<Op> {
    const inputs = made.inputs.map((name) => this.replaced.get(name) ?? name);
    // Nodes of a file have names; these stay when outputs are renamed.
    const named = this.loose ? { name: made.outputs[0] } : {};
    const node: Node<Op> = { attributes: {}, origin: '', ...named, ...made, inputs };
    const types = inferNode(this, node, node.outputs.length);
    for (const [i, name] of node.outputs.entries()) {
      if (i >= types.length || name === '') continue;
      const type = valueType(types[i], this.loose ? 'loose' : standIns[0]);
      const known = this.types.get(name);
      if (known !== undefined && !fits(known, type, this.loose))
        throw new Error(`internal: '${name}', ${typeText(known)}, is replaced by ${typeText(type)}`);
      // In a graph from a file, known facts of the old value stay known.
      if (known === undefined || !this.loose) this.types.set(name, type);
    }
    return this.link(node, before);
  }

  /** Puts a node of the same types in the place of one. */
  private change(node: Node<Op>, by: Node<Op>): void {
    const isFront = this.front === this.places.get(node);
    const place = this.link(by, this.unlink(node));
    if (isFront) this.front = place;
  }

  private link(node: Node<Op>, before: Place<Op>): Place<Op> {
    const place: Place<Op> = { before, after: before.after, node };
    before.after.before = place;
    before.after = place;
    this.places.set(node, place);
    for (const name of node.outputs) {
      this.producers.set(name, node);
      this.taken.add(name);
    }
    for (const name of node.inputs) {
      if (name === '') continue;
      const readers = this.readers.get(name);
      if (readers) readers.add(node);
      else this.readers.set(name, new Set([node]));
    }
    return place;
  }

  /** Takes a node out; returns the place before it. */
  private unlink(node: Node<Op>): Place<Op> {
    const place = this.places.get(node);
    if (place === undefined) throw new Error(`internal: '${node.outputs[0]}' is not of the graph`);
    this.places.delete(node);
    place.before.after = place.after;
    place.after.before = place.before;
    if (this.front === place) this.front = place.before;
    for (const name of node.outputs) if (this.producers.get(name) === node) this.producers.delete(name);
    for (const name of node.inputs) this.readers.get(name)?.delete(node);
    return place.before;
  }
}

/** Whether two types of a value agree; what is unknown agrees with all. */
export const fits = (a: ValueType, b: ValueType, loose: boolean): boolean =>
  a.dtype === b.dtype &&
  (loose
    ? a.shape.length === b.shape.length &&
      a.shape.every((d, i) => d === b.shape[i] || d === null || b.shape[i] === null)
    : sameShape(a.shape, b.shape));
