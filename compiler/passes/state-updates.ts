import { attributeList, producersOf, shapeIn, sizeOf, type Graph, type Node, type OnnxOp } from '../graph/index.js';

/** Names of a state, and of its input and output. */
export interface StatePorts {
  readonly name: string;
  readonly input: string;
  readonly output: string;
}

/** Elementwise operators of optimizer updates. */
const elementwise: ReadonlySet<OnnxOp> = new Set<OnnxOp>([
  'Abs',
  'Add',
  'Div',
  'Max',
  'Min',
  'Mul',
  'Neg',
  'Reciprocal',
  'Sqrt',
  'Sub',
  'Where',
]);

/** An operand of an update that is as large as the state: a state, or a value not computed from it, such as a gradient. */
interface Leaf {
  readonly kind: 'state' | 'value';
  readonly name: string;
}

/** The new values of states of one size, as a function of these states and of other values, element by element. */
export interface Update {
  readonly states: readonly StatePorts[];
  readonly size: number;
  readonly leaves: readonly Leaf[];
  /** Nodes in execution order, without pure reshapes. */
  readonly nodes: readonly Node[];
  /** The new value of each state, before it is reshaped. */
  readonly results: readonly string[];
  /** Canonical text of the update, with numbers instead of names of operands: equal for equal updates. */
  readonly text: string;
}

/** Follows values of a graph back to its states. */
export class Ends {
  private readonly producers: ReadonlyMap<string, Node>;
  private readonly inputs: ReadonlySet<string>;
  private readonly known = new Map<string, boolean>();

  constructor(
    private readonly graph: Graph,
    readonly ports: readonly StatePorts[],
  ) {
    this.producers = producersOf(graph.nodes);
    this.inputs = new Set(ports.map(({ input }) => input));
  }

  isState(name: string): boolean {
    return this.inputs.has(name);
  }

  sizeOf(name: string): number {
    return sizeOf(shapeIn(this.graph, name));
  }

  /** The value before it was reshaped, where it comes from a state element by element. */
  unshaped(name: string): string {
    const node = this.nodeOf(name);
    return node?.op === 'Reshape' ? this.unshaped(node.inputs[0]) : name;
  }

  /** The node that makes the value from a state of the same size, element by element; null for all others. */
  nodeOf(name: string): Node | null {
    const node = this.producers.get(name);
    return node && this.dependsOnState(name) ? node : null;
  }

  private dependsOnState(name: string): boolean {
    if (this.inputs.has(name)) return true;
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const node = this.producers.get(name);
    const operands = node?.op === 'Reshape' ? node.inputs.slice(0, 1) : (node?.inputs ?? []);
    const depends =
      node !== undefined &&
      (node.op === 'Reshape' || elementwise.has(node.op)) &&
      operands.every((input) => this.fits(input, name)) &&
      operands.some((input) => this.sizeOf(input) === this.sizeOf(name) && this.dependsOnState(input));
    this.known.set(name, depends);
    return depends;
  }

  /** Single numbers, single conditions and values of the same size may meet in one vector. */
  private fits(input: string, name: string): boolean {
    const { shape = [], dtype } = this.graph.types.get(input) ?? {};
    if (shape.length === 0) return dtype === 'float32' || dtype === 'bool';
    return dtype === 'float32' && this.sizeOf(input) === this.sizeOf(name);
  }
}

/** Walks an update back to its operands, and numbers nodes and operands in the order of the walk. */
class Walk {
  readonly leaves: Leaf[] = [];
  readonly nodes: Node[] = [];
  private readonly lines: string[] = [];
  private readonly places = new Map<string, string>();

  constructor(
    private readonly ends: Ends,
    private readonly size: number,
  ) {}

  visit(shaped: string): string {
    if (this.ends.sizeOf(shaped) !== this.size) return shaped;
    const name = this.ends.unshaped(shaped);
    const known = this.places.get(name);
    if (known !== undefined) return known;
    const place = this.placeOf(name);
    this.places.set(name, place);
    return place;
  }

  private placeOf(name: string): string {
    const node = this.ends.isState(name) ? null : this.ends.nodeOf(name);
    if (node === null) {
      const kind = this.ends.isState(name) ? 'state' : 'value';
      this.leaves.push({ kind, name });
      return `${kind}${this.leaves.length}`;
    }
    const operands = node.inputs.map((input) => this.visit(input));
    this.nodes.push(node);
    this.lines.push(`${node.op}(${operands.join()})${JSON.stringify(attributeList(node.attributes))}`);
    return `node${this.nodes.length}`;
  }

  text(results: readonly string[]): string {
    return [...this.lines, ...results].join(';');
  }
}

/** The update of states that depend on each other; null when it is not one of vectors, element by element. */
export function updateOf(ends: Ends, group: readonly StatePorts[]): Update | null {
  const size = ends.sizeOf(group[0].input);
  const alone = ({ output }: StatePorts): string => {
    const walk = new Walk(ends, size);
    return walk.text([walk.visit(output)]);
  };
  // Ordered by their updates, so that names do not matter.
  const texts = new Map(group.map((state) => [state, alone(state)] as const));
  const states = group.toSorted((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1));
  const walk = new Walk(ends, size);
  const places = states.map(({ output }) => walk.visit(output));
  const { leaves, nodes } = walk;
  const inputs = leaves.flatMap(({ kind, name }) => (kind === 'state' ? [name] : []));
  const complete = inputs.length === states.length && states.every(({ input }) => inputs.includes(input));
  const changed = places.every((place, i) => place.startsWith('node') && places.indexOf(place) === i);
  if (size === 1 || !complete || !changed) return null;
  const results = states.map(({ output }) => ends.unshaped(output));
  return { states, size, leaves, nodes, results, text: walk.text(places) };
}

/** States whose new values have states in common. */
export function connected(ends: Ends): StatePorts[][] {
  const leaders = new Map<string, string>();
  const leaderOf = (input: string): string => {
    const next = leaders.get(input);
    return next === undefined ? input : leaderOf(next);
  };
  const unite = (a: string, b: string): void => {
    const [first, second] = [leaderOf(a), leaderOf(b)];
    if (first !== second) leaders.set(first, second);
  };
  for (const state of ends.ports) {
    const walk = new Walk(ends, ends.sizeOf(state.input));
    walk.visit(state.output);
    for (const { kind, name } of walk.leaves) if (kind === 'state') unite(name, state.input);
  }
  const groups = new Map<string, StatePorts[]>();
  for (const state of ends.ports) {
    const leader = leaderOf(state.input);
    groups.set(leader, [...(groups.get(leader) ?? []), state]);
  }
  return [...groups.values()];
}
