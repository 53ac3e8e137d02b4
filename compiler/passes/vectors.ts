import type { Constant, Graph, Node, OnnxOp, Shape, ValueType } from '../graph/index.js';
import { int } from '../graph/index.js';

const nodeOf = (op: OnnxOp, inputs: readonly string[], outputs: readonly string[], axis?: number): Node => ({
  op,
  inputs,
  outputs,
  attributes: axis === undefined ? {} : { axis: int(axis) },
  origin: '',
});

/** Adds nodes that cut and join vectors, before and after those of a graph. */
export class Vectors {
  readonly before: Node[] = [];
  readonly after: Node[] = [];
  readonly constants: Map<string, Constant>;
  readonly types: Map<string, ValueType>;

  constructor(private readonly graph: Graph) {
    this.constants = new Map(graph.constants);
    this.types = new Map(graph.types);
  }

  get nodes(): readonly Node[] {
    return [...this.before, ...this.graph.nodes, ...this.after];
  }

  /** Declares a vector. */
  vector(name: string, size: number): string {
    this.types.set(name, { dtype: 'float32', shape: [size] });
    return name;
  }

  /** The parts of a vector, `<vector>/0` and so on. */
  split(nodes: Node[], vector: string, sizes: readonly number[]): readonly string[] {
    this.vector(
      vector,
      sizes.reduce((a, b) => a + b, 0),
    );
    const parts = sizes.map((size, i) => this.vector(`${vector}/${i}`, size));
    nodes.push(nodeOf('Split', [vector, this.integers(`${vector}/sizes`, sizes)], parts, 0));
    return parts;
  }

  /** Gives a part of a vector, before the graph's nodes, the name and the shape that they know it by. */
  shaped(part: string, name: string, shape: Shape): void {
    this.before.push(nodeOf('Reshape', [part, this.integers(`${part}/shape`, shape)], [name]));
  }

  flat(name: string, value: string, size: number): string {
    this.after.push(nodeOf('Reshape', [value, this.integers(`${name}/shape`, [size])], [this.vector(name, size)]));
    return name;
  }

  join(name: string, parts: readonly string[]): string {
    const size = parts.reduce((sum, part) => sum + Number(this.types.get(part)?.shape[0] ?? 0), 0);
    this.after.push(nodeOf('Concat', parts, [this.vector(name, size)], 0));
    return name;
  }

  private integers(name: string, values: readonly number[]): string {
    const constant: Constant = { dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) };
    this.constants.set(name, constant);
    this.types.set(name, { dtype: 'int64', shape: constant.shape });
    return name;
  }
}
