import { type Graph, inferNode, type Node, producersOf, type Scope } from './graph.js';
import {
  type Constant,
  sameShape,
  type Shape,
  standIns,
  tensorType,
  type TensorType,
  valueType,
  type ValueType,
} from './types.js';
import { typeText } from './print.js';

/** The entries of a map whose names are among these, in the order of the map; the map itself, when all are. */
function only<T>(map: ReadonlyMap<string, T>, names: ReadonlySet<string>): ReadonlyMap<string, T> {
  let kept = 0;
  for (const name of map.keys()) if (names.has(name)) kept++;
  if (kept === map.size) return map;
  const entries = new Map<string, T>();
  // Unlike a loop, it makes no array of each entry, of which a graph has tens of thousands.
  map.forEach((value, name) => {
    if (names.has(name)) entries.set(name, value);
  });
  return entries;
}

/** The graph without nodes, constants and inputs on which no output depends. */
export function withoutDeadCode(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) if (name !== '') needed.add(name);
  }
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  const constants = only(graph.constants, needed);
  // Outputs of nodes that nobody reads have a type, too.
  for (const { outputs } of kept) for (const name of outputs) needed.add(name);
  return { ...graph, nodes: kept.reverse(), inputs, constants, types: only(graph.types, needed) };
}

/** A node that a pass makes; without attributes and of no layer where nothing else is said. */
export type NewNode = Pick<Node, 'op' | 'inputs' | 'outputs'> & Partial<Node>;

/**
 * A graph under revision. A pass says what takes the place of a node or of a value; types follow from the rules of the
 * operators, and what nothing reads any more goes in the end. Nodes are known by the name of their first output.
 */
export class GraphEditor implements Scope {
  readonly block: number | null;
  private readonly types: Map<string, ValueType>;
  private readonly constants: Map<string, Constant>;
  private readonly producers: Map<string, Node>;
  private readonly reads = new Map<string, number>();
  private readonly outputs: ReadonlySet<string>;
  private readonly places = new Map<string, readonly Node[]>();
  private readonly same = new Map<string, string>();
  private readonly before: Node[] = [];
  private readonly after: Node[] = [];

  constructor(private readonly graph: Graph) {
    this.block = graph.block;
    this.types = new Map(graph.types);
    this.constants = new Map(graph.constants);
    this.producers = producersOf(graph.nodes);
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const { inputs } of graph.nodes) for (const name of inputs) this.reads.set(name, this.readsOf(name) + 1);
    for (const name of this.outputs) this.reads.set(name, this.readsOf(name) + 1);
  }

  /** The nodes of the graph in their order, with what was replaced among their inputs until their turn comes. */
  *nodes(): Generator<Node> {
    for (const node of this.graph.nodes) yield this.resolved(node);
  }

  type(name: string): TensorType | undefined {
    const type = this.types.get(name);
    return type && tensorType(type);
  }

  shapeOf(name: string): Shape {
    return this.type(name)?.shape ?? [];
  }

  constant(name: string): Constant | undefined {
    return this.constants.get(name);
  }

  producer(name: string): Node | undefined {
    return this.producers.get(name);
  }

  isOutput(name: string): boolean {
    return this.outputs.has(name);
  }

  /** How often the value is read in the graph as it was; being an output of the graph counts. */
  readsOf(name: string): number {
    return this.reads.get(name) ?? 0;
  }

  addConstant(name: string, constant: Constant): string {
    this.constants.set(name, constant);
    return this.declare(name, { dtype: constant.dtype, shape: constant.shape });
  }

  /** Says what a value is that the graph will take as an input. */
  declare(name: string, type: ValueType): string {
    this.types.set(name, type);
    return name;
  }

  /** A vector of int64. */
  integers(name: string, values: readonly number[]): string {
    return this.addConstant(name, {
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
  }

  /** Puts nodes, each after those that it reads, in the place of one; without any, the node goes. */
  replace(node: Node, ...by: readonly NewNode[]): void {
    this.places.set(
      node.outputs[0],
      by.map((each) => this.define(each)),
    );
  }

  /** Puts a node before all those of the graph, behind what was put there already. */
  prepend(node: NewNode): void {
    this.before.push(this.define(node));
  }

  /** Puts a node behind all those of the graph. */
  append(node: NewNode): void {
    this.after.push(this.define(node));
  }

  /** Whoever reads `name` reads `by` instead; outputs of the graph keep their names. */
  replaceUses(name: string, by: string): void {
    this.same.set(name, by);
  }

  /** The graph that came of it, with other ports where they are given. */
  finish(ports: Partial<Pick<Graph, 'inputs' | 'outputs'>> = {}): Graph {
    const placed = this.graph.nodes.flatMap((node) => this.places.get(node.outputs[0]) ?? node);
    const nodes = [...this.before, ...placed, ...this.after].map((node) => this.resolved(node));
    return withoutDeadCode({ ...this.graph, ...ports, nodes, constants: this.constants, types: this.types });
  }

  private resolved(node: Node): Node {
    return node.inputs.some((name) => this.same.has(name))
      ? { ...node, inputs: node.inputs.map((name) => this.same.get(name) ?? name) }
      : node;
  }

  private define(made: NewNode): Node {
    const node: Node = { attributes: {}, origin: '', ...made };
    const types = inferNode(this, node, node.outputs.length).map((type) => valueType(type, standIns[0]));
    for (const [i, name] of node.outputs.entries()) {
      const before = this.types.get(name) ?? types[i];
      if (before.dtype !== types[i].dtype || !sameShape(before.shape, types[i].shape))
        throw new Error(`internal: '${name}', ${typeText(before)}, is replaced by ${typeText(types[i])}`);
      this.types.set(name, types[i]);
      this.producers.set(name, node);
    }
    return node;
  }
}
