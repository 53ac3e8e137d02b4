import { GraphEditor, int, type Graph, type Port, type ValueType } from '../graph/index.js';
import { connected, Ends, updateOf, type StatePorts, type Update } from './state-updates.js';

/** A state in a vector, and its number of elements. */
export interface Member {
  readonly name: string;
  readonly size: number;
}

/** Memory layout of states: several one after the other in a vector, or each in a tensor of its own. */
export interface StateLayout {
  readonly vectors: readonly (readonly Member[])[];
  /** States that some program updates one by one: they stay out of vectors. */
  readonly single: ReadonlySet<string>;
}

/** A vector of the layout, maybe a new one, that is an input of the graph as a whole, and maybe an output. */
export interface StatePack {
  readonly input: string;
  /** Null where its states are only read. */
  readonly output: string | null;
  /** Index among the layout's vectors; new ones follow the old ones. */
  readonly vector: number;
  readonly members: readonly Member[];
}

/** Merges equal updates of states into updates of vectors. */
class Packing {
  private readonly editor: GraphEditor;
  private readonly inputs: ReadonlyMap<string, Port>;
  private readonly outputs: ReadonlySet<string>;
  private readonly ports: ReadonlyMap<string, StatePorts>;
  private readonly vectors: (readonly Member[])[];
  /** State → index of its vector. */
  private readonly places: Map<string, number>;
  private readonly packs = new Map<number, StatePack>();
  /** Vectors whose new value is computed. */
  private readonly complete = new Set<number>();

  constructor(
    private readonly graph: Graph,
    states: readonly StatePorts[],
    private readonly layout: StateLayout,
    private readonly whole: boolean,
  ) {
    this.editor = new GraphEditor(graph);
    this.inputs = new Map(graph.inputs.map((port) => [port.name, port]));
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
    this.ports = new Map(states.map((state) => [state.name, state]));
    this.vectors = [...layout.vectors];
    this.places = new Map(layout.vectors.flatMap((members, i) => members.map(({ name }) => [name, i])));
  }

  run(): { readonly graph: Graph; readonly packs: readonly StatePack[] } {
    const { layout, inputs, outputs } = this;
    const replaced = [...this.ports.values()].filter(
      ({ name, input, output }) =>
        inputs.get(input)?.dtype === 'float32' && outputs.has(output) && !layout.single.has(name),
    );
    const ends = new Ends(this.graph, replaced);
    const alike = new Map<string, Update[]>();
    for (const group of connected(ends)) {
      const update = updateOf(ends, group);
      if (!update) continue;
      const key = [update.text, ...update.states.map(({ name }) => this.places.get(name))].join(';');
      alike.set(key, [...(alike.get(key) ?? []), update]);
    }
    for (const updates of alike.values()) if (updates.length > 1) this.unite(this.inOrder(updates), ends);
    this.passOn();
    if (this.whole) this.takeWhole();
    const packs = [...this.packs.values()].map((pack): StatePack =>
      this.complete.has(pack.vector) ? { ...pack, output: nextOf(pack.vector) } : pack,
    );
    return { graph: this.replaced(packs), packs };
  }

  /** Updates in the order of the vector that already holds their states, if there is one. */
  private inOrder(updates: readonly Update[]): readonly Update[] {
    const [{ states }] = updates;
    const at = states.findIndex(({ name }) => this.places.has(name));
    if (at < 0) return updates;
    const names = this.vectors[this.places.get(states[at].name) ?? 0].map(({ name }) => name);
    return updates.toSorted((a, b) => names.indexOf(a.states[at].name) - names.indexOf(b.states[at].name));
  }

  /** Adds one update of whole vectors for equal updates of their states; updates of a part of a vector stay as they are. */
  private unite(updates: readonly Update[], ends: Ends): void {
    const [{ leaves, nodes, states, results }] = updates;
    const members = states.map((_, i) => updates.map((update) => ({ name: update.states[i].name, size: update.size })));
    if (!members.every((own) => this.isWhole(own))) return;
    const packs = members.map((own) => this.open(this.places.get(own[0].name) ?? this.lay(own)));
    for (const { vector } of packs) this.complete.add(vector);
    const group = `update/${packs[0].vector}`;
    /** Value of the first update → the vector that replaces it. */
    const vectors = new Map(states.map(({ input }, i) => [input, packs[i].input]));
    for (const [i, { kind, name }] of leaves.entries())
      if (kind === 'value') {
        const values = updates.map((update, u) => this.flat(`${group}/${i}/${u}`, update.leaves[i].name, update.size));
        vectors.set(name, this.join(`${group}/${i}`, values));
      }
    for (const [i, { op, inputs, outputs, attributes }] of nodes.entries()) {
      const at = results.indexOf(outputs[0]);
      const vector = at < 0 ? `${group}/node${i}` : nextOf(packs[at].vector);
      const operands = inputs.map((input) => vectors.get(ends.unshaped(input)) ?? input);
      this.editor.append({ op, inputs: operands, outputs: [vector], attributes });
      vectors.set(outputs[0], vector);
    }
  }

  /** Whether these states, in this order, are a vector or can become one. */
  private isWhole(members: readonly Member[]): boolean {
    const vector = this.places.get(members[0].name);
    const all = vector === undefined ? members : this.vectors[vector];
    return all.length === members.length && all.every(({ name }, i) => name === members[i].name);
  }

  /** Puts states into a new vector. */
  private lay(members: readonly Member[]): number {
    const vector = this.vectors.push(members) - 1;
    for (const { name } of members) this.places.set(name, vector);
    return vector;
  }

  /** Makes a vector an input, and splits it into its states, under their own names and in their own shapes. */
  private open(vector: number): StatePack {
    const { editor } = this;
    const known = this.packs.get(vector);
    if (known) return known;
    const members = this.vectors[vector];
    const pack = { input: `states/${vector}`, output: null, vector, members };
    this.packs.set(vector, pack);
    const sizes = members.map(({ size }) => size);
    const parts = members.map((_, i) => partOf(vector, i));
    const inputs = [editor.declare(pack.input, vectorType(members)), editor.addIntegers(`${pack.input}/sizes`, sizes)];
    editor.prepend({ op: 'Split', inputs, outputs: parts, attributes: { axis: int(0) } });
    for (const [i, part] of parts.entries()) {
      const port = this.inputs.get(this.ports.get(members[i].name)?.input ?? '');
      if (!port) continue;
      const target = editor.addIntegers(`${part}/shape`, editor.shapeOf(port.name));
      editor.prepend({ op: 'Reshape', inputs: [part, target], outputs: [port.name] });
    }
    return pack;
  }

  /** Completes vectors of which only some states are updated, one by one: the other states are copied unchanged. */
  private passOn(): void {
    for (const { name, output } of this.ports.values()) {
      const vector = this.places.get(name);
      if (vector === undefined || this.complete.has(vector) || !this.outputs.has(output)) continue;
      this.complete.add(vector);
      const pack = this.open(vector);
      const parts = pack.members.map((member, i) => {
        const next = this.ports.get(member.name)?.output ?? '';
        return this.outputs.has(next) ? this.flat(`${next}/flat`, next, member.size) : partOf(vector, i);
      });
      this.join(nextOf(vector), parts);
    }
  }

  /** Makes vectors that are only read inputs as a whole. */
  private takeWhole(): void {
    for (const { name, input } of this.ports.values()) {
      const vector = this.places.get(name);
      if (vector !== undefined && this.inputs.has(input)) this.open(vector);
    }
  }

  private replaced(packs: readonly StatePack[]): Graph {
    const { graph, editor } = this;
    const gone = new Set(packs.flatMap(({ members }) => members.map(({ name }) => this.ports.get(name))));
    const names = new Set([...gone].flatMap((port) => [port?.input, port?.output]));
    const ports = (old: readonly Port[], side: 'input' | 'output'): Port[] => [
      ...old.filter(({ name }) => !names.has(name)),
      ...packs.flatMap(({ [side]: name, members }): Port[] =>
        name === null ? [] : [{ name, ...vectorType(members) }],
      ),
    ];
    return editor.finish({ inputs: ports(graph.inputs, 'input'), outputs: ports(graph.outputs, 'output') });
  }

  private flat(name: string, value: string, size: number): string {
    const shape = this.editor.addIntegers(`${name}/shape`, [size]);
    this.editor.append({ op: 'Reshape', inputs: [value, shape], outputs: [name] });
    return name;
  }

  private join(name: string, parts: readonly string[]): string {
    this.editor.append({ op: 'Concat', inputs: parts, outputs: [name], attributes: { axis: int(0) } });
    return name;
  }
}

const vectorType = (parts: readonly Member[]): ValueType => ({
  dtype: 'float32',
  shape: [parts.reduce((sum, { size }) => sum + size, 0)],
});

const nextOf = (vector: number): string => `next-states/${vector}`;
const partOf = (vector: number, member: number): string => `states/${vector}/${member}`;

/**
 * States with equal elementwise updates become one vector with one update. A network has hundreds of weights, momenta and
 * running statistics, mostly small; an input, an output and some nodes for each of them cost more than the arithmetic.
 * States that are in a vector already stay there: the vector is an input and output as a whole, so that nothing is copied
 * between runs of programs that share states.
 * @param states all that the graph reads or replaces
 * @param whole whether states of a vector that are only read are inputs as a whole vector: where a part of it cannot be
 *   passed without a copy
 */
export const packStates = (
  graph: Graph,
  states: readonly StatePorts[],
  layout: StateLayout,
  whole: boolean,
): { readonly graph: Graph; readonly packs: readonly StatePack[] } => new Packing(graph, states, layout, whole).run();
