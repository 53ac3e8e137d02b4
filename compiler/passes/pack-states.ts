import type { Constant, Graph, Node, OnnxOp, Port, TensorType } from '../graph/index.js';
import { int, withoutDeadCode } from '../graph/index.js';
import type { StatePorts, Update } from './state-updates.js';
import { connected, Ends, updateOf } from './state-updates.js';

/** States that one input and one output of the graph hold, one after the other. */
export interface StatePack {
  readonly input: string;
  readonly output: string;
  readonly members: readonly StatePorts[];
}

const total = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);

const nodeOf = (op: OnnxOp, inputs: readonly string[], outputs: readonly string[], axis?: number): Node => ({
  op,
  inputs,
  outputs,
  attributes: axis === undefined ? {} : { axis: int(axis) },
  origin: '',
});

/** Equal updates become one; collects the nodes that come before and after those of the graph. */
class Packing {
  readonly before: Node[] = [];
  readonly after: Node[] = [];
  readonly constants: Map<string, Constant>;
  readonly types: Map<string, TensorType>;

  constructor(
    private readonly graph: Graph,
    private readonly ends: Ends,
  ) {
    this.constants = new Map(graph.constants);
    this.types = new Map(graph.types);
  }

  /** Adds one update of long vectors for equal updates of short ones; `name` is part of all names. */
  add(updates: readonly Update[], name: string): StatePack[] {
    const [{ leaves, nodes, states, results }] = updates;
    const sizes = updates.map(({ size }) => size);
    const packs = states.map((_, i): StatePack => ({
      input: this.vector(`states/${name}/${i}`, total(sizes)),
      output: `next-states/${name}/${i}`,
      members: updates.map((update) => update.states[i]),
    }));
    for (const pack of packs) this.separate(pack, sizes);
    /** What stands for the first update's values. */
    const vectors = new Map(packs.map(({ input, members }) => [members[0].input, input]));
    for (const [i, { kind, name: own }] of leaves.entries())
      if (kind === 'value') {
        const values = updates.map((update) => update.leaves[i].name);
        vectors.set(own, this.join(`update/${name}/${i}`, values, sizes));
      }
    for (const [i, { op, inputs, outputs, attributes }] of nodes.entries()) {
      const at = results.indexOf(outputs[0]);
      const vector = this.vector(at < 0 ? `update/${name}/node${i}` : packs[at].output, total(sizes));
      const operands = inputs.map((input) => vectors.get(this.ends.unshaped(input)) ?? input);
      this.after.push({ op, inputs: operands, outputs: [vector], attributes, origin: '' });
      vectors.set(outputs[0], vector);
    }
    return packs;
  }

  private integers(name: string, values: readonly number[]): string {
    const constant: Constant = { dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) };
    this.constants.set(name, constant);
    this.types.set(name, { dtype: 'int64', shape: constant.shape });
    return name;
  }

  private vector(name: string, size: number): string {
    this.types.set(name, { dtype: 'float32', shape: [size] });
    return name;
  }

  /** Gives every state of the pack its own name and shape again, for whoever reads it besides the update. */
  private separate({ input, members }: StatePack, sizes: readonly number[]): void {
    const vectors = sizes.map((size, i) => this.vector(`${input}/${i}`, size));
    this.before.push(nodeOf('Split', [input, this.integers(`${input}/sizes`, sizes)], vectors, 0));
    for (const [i, member] of members.entries()) {
      const shape = this.graph.types.get(member.input)?.shape ?? [];
      const target = this.integers(`${vectors[i]}/shape`, shape);
      this.before.push(nodeOf('Reshape', [vectors[i], target], [member.input]));
    }
  }

  private join(name: string, values: readonly string[], sizes: readonly number[]): string {
    const flat = values.map((value, i) => {
      const vector = this.vector(`${name}/${i}`, sizes[i]);
      this.after.push(nodeOf('Reshape', [value, this.integers(`${vector}/shape`, [sizes[i]])], [vector]));
      return vector;
    });
    this.after.push(nodeOf('Concat', flat, [this.vector(name, total(sizes))], 0));
    return name;
  }
}

/**
 * States that are updated alike, element by element, become one vector with one update: a network has hundreds of
 * weights, momenta and running statistics, mostly small, and an input, an output and some nodes for each of them cost
 * more than the arithmetic.
 */
export function packStates(
  graph: Graph,
  states: readonly StatePorts[],
): { readonly graph: Graph; readonly packs: readonly StatePack[] } {
  const ends = new Ends(
    graph,
    states.filter(({ input }) => graph.types.get(input)?.dtype === 'float32'),
  );
  const alike = new Map<string, Update[]>();
  for (const group of connected(ends)) {
    const update = updateOf(ends, group);
    if (update) alike.set(update.text, [...(alike.get(update.text) ?? []), update]);
  }
  const packing = new Packing(graph, ends);
  const packs = [...alike.values()]
    .filter((updates) => updates.length > 1)
    .flatMap((updates, i) => packing.add(updates, String(i)));
  const { before, after, constants, types } = packing;
  const packed = new Set(packs.flatMap(({ members }) => members.flatMap(({ input, output }) => [input, output])));
  const ports = (old: readonly Port[], names: readonly string[]): Port[] => [
    ...old.filter(({ name }) => !packed.has(name)),
    ...names.map((name): Port => ({ name, dtype: 'float32', shape: types.get(name)?.shape ?? [] })),
  ];
  const replaced: Graph = {
    ...graph,
    inputs: ports(
      graph.inputs,
      packs.map(({ input }) => input),
    ),
    outputs: ports(
      graph.outputs,
      packs.map(({ output }) => output),
    ),
    nodes: [...before, ...graph.nodes, ...after],
    constants,
    types,
  };
  return { graph: withoutDeadCode(replaced), packs };
}
