import type { Graph, Port } from '../graph/index.js';
import { shapeIn, withoutDeadCode } from '../graph/index.js';
import type { StatePorts, Update } from './state-updates.js';
import { connected, Ends, updateOf } from './state-updates.js';
import { Vectors } from './vectors.js';

/** A state of a vector, and how many numbers it has. */
export interface Member {
  readonly name: string;
  readonly size: number;
}

/** How states lie: several one after the other in a vector, or each in a tensor of its own. */
export interface StateLayout {
  readonly vectors: readonly (readonly Member[])[];
  /** States that some program replaces one by one: they stay out of vectors. */
  readonly single: ReadonlySet<string>;
}

/** A vector of the layout, maybe a new one, that the graph takes and gives as a whole. */
export interface StatePack {
  readonly input: string;
  readonly output: string;
  /** Its place among the layout's vectors; the new ones follow the old ones. */
  readonly vector: number;
  readonly members: readonly Member[];
}

/** Equal updates become one. */
class Packing {
  private readonly nodes: Vectors;
  private readonly inputs: ReadonlyMap<string, Port>;
  private readonly outputs: ReadonlySet<string>;
  private readonly ports: ReadonlyMap<string, StatePorts>;
  /** The vector of each state that is in one. */
  private readonly places: Map<string, number>;
  private readonly vectors: (readonly Member[])[];
  private readonly packs = new Map<number, StatePack>();
  /** Vectors whose new value is there. */
  private readonly complete = new Set<number>();
  /** New values of states in vectors that are not. */
  private readonly parts = new Map<string, string>();
  private groups = 0;

  constructor(
    private readonly graph: Graph,
    states: readonly StatePorts[],
    private readonly layout: StateLayout,
  ) {
    this.nodes = new Vectors(graph);
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
    return { graph: this.replaced(), packs: [...this.packs.values()] };
  }

  /** In the order of the vector that the first states lie in, if they do. */
  private inOrder(updates: readonly Update[]): readonly Update[] {
    const [{ states }] = updates;
    const at = states.findIndex(({ name }) => this.places.has(name));
    if (at < 0) return updates;
    const names = this.vectors[this.places.get(states[at].name) ?? 0].map(({ name }) => name);
    return updates.toSorted((a, b) => names.indexOf(a.states[at].name) - names.indexOf(b.states[at].name));
  }

  /** Adds one update of long vectors for equal updates of short ones. */
  private unite(updates: readonly Update[], ends: Ends): void {
    const [{ leaves, nodes, states, results }] = updates;
    const group = `update/${this.groups++}`;
    const sizes = updates.map(({ size }) => size);
    const size = sizes.reduce((a, b) => a + b, 0);
    const sides = states.map((_, i) =>
      this.side(
        `${group}/state${i}`,
        updates.map(({ states, size }) => ({ name: states[i].name, size })),
      ),
    );
    /** What stands for the first update's values. */
    const vectors = new Map(states.map(({ input }, i) => [input, sides[i].old]));
    for (const [i, { kind, name }] of leaves.entries())
      if (kind === 'value') {
        const values = updates.map((update, u) =>
          this.nodes.flat(`${group}/${i}/${u}`, update.leaves[i].name, sizes[u]),
        );
        vectors.set(name, this.nodes.join(`${group}/${i}`, values));
      }
    for (const [i, { op, inputs, outputs, attributes }] of nodes.entries()) {
      const at = results.indexOf(outputs[0]);
      const vector = this.nodes.vector(at < 0 ? `${group}/node${i}` : sides[at].result, size);
      const operands = inputs.map((input) => vectors.get(ends.unshaped(input)) ?? input);
      this.nodes.after.push({ op, inputs: operands, outputs: [vector], attributes, origin: '' });
      vectors.set(outputs[0], vector);
    }
    for (const { result, members } of sides)
      if (members !== null)
        for (const [i, part] of this.nodes.split(this.nodes.after, result, sizes).entries())
          this.parts.set(members[i].name, part);
  }

  /**
   * Names of the old and the new values of states in one vector. Where they are all of a vector, they are the vector;
   * otherwise they are collected from it, and `members` says what the new values are put back for.
   */
  private side(
    name: string,
    members: readonly Member[],
  ): { old: string; result: string; members: readonly Member[] | null } {
    const vector = this.places.get(members[0].name) ?? this.vectors.push(members) - 1;
    for (const member of members) this.places.set(member.name, vector);
    const { input, output, members: all } = this.open(vector);
    if (all.length === members.length && all.every((member, i) => member.name === members[i].name)) {
      this.complete.add(vector);
      return { old: input, result: output, members: null };
    }
    const old = members.map((own) => this.partOf(vector, own.name));
    return { old: this.nodes.join(`${name}/old`, old), result: `${name}/new`, members };
  }

  /** Takes a vector as input and gives every state of it its own name and shape again, for whoever reads it alone. */
  private open(vector: number): StatePack {
    const known = this.packs.get(vector);
    if (known) return known;
    const members = this.vectors[vector];
    const pack = { input: `states/${vector}`, output: `next-states/${vector}`, vector, members };
    this.packs.set(vector, pack);
    const sizes = members.map(({ size }) => size);
    for (const [i, part] of this.nodes.split(this.nodes.before, pack.input, sizes).entries()) {
      const port = this.inputs.get(this.ports.get(members[i].name)?.input ?? '');
      if (port) this.nodes.shaped(part, port.name, shapeIn(this.graph, port.name));
    }
    return pack;
  }

  /** Vectors of which some states are replaced: the others are passed on as they are. */
  private passOn(): void {
    for (const { name, output } of this.ports.values()) {
      const vector = this.places.get(name);
      if (vector === undefined || this.complete.has(vector) || !this.outputs.has(output)) continue;
      this.complete.add(vector);
      const pack = this.open(vector);
      const parts = pack.members.map(({ name, size }) => {
        const next = this.ports.get(name)?.output ?? '';
        const known = this.parts.get(name);
        return (
          known ?? (this.outputs.has(next) ? this.nodes.flat(`${next}/flat`, next, size) : this.partOf(vector, name))
        );
      });
      this.nodes.join(pack.output, parts);
    }
  }

  private replaced(): Graph {
    const { nodes, types, constants } = this.nodes;
    const packs = [...this.packs.values()];
    const gone = new Set(
      packs.flatMap(({ members }) =>
        members.flatMap(({ name }) => {
          const { input, output } = this.ports.get(name) ?? {};
          return [input, output];
        }),
      ),
    );
    const ports = (old: readonly Port[], names: readonly string[]): Port[] => [
      ...old.filter(({ name }) => !gone.has(name)),
      ...names.map((name): Port => ({ name, dtype: 'float32', shape: types.get(name)?.shape ?? [] })),
    ];
    return withoutDeadCode({
      ...this.graph,
      inputs: ports(
        this.graph.inputs,
        packs.map(({ input }) => input),
      ),
      outputs: ports(
        this.graph.outputs,
        packs.map(({ output }) => output),
      ),
      nodes,
      constants,
      types,
    });
  }

  private partOf(vector: number, name: string): string {
    return `states/${vector}/${this.vectors[vector].findIndex((member) => member.name === name)}`;
  }
}

/**
 * States that are updated alike, element by element, become one vector with one update: a network has hundreds of
 * weights, momenta and running statistics, mostly small, and an input, an output and some nodes for each of them cost
 * more than the arithmetic. States that lie in a vector already stay there, whatever the program does with them: it takes
 * and gives the vector as a whole, so that nothing is copied between the runs of programs that share states.
 * @param states all that the graph reads or replaces
 */
export const packStates = (
  graph: Graph,
  states: readonly StatePorts[],
  layout: StateLayout,
): { readonly graph: Graph; readonly packs: readonly StatePack[] } => new Packing(graph, states, layout).run();
