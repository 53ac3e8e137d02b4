import { attributeList, type Attributes, int, ints } from './attributes.js';
import type { Graph, Node, Port, Scope } from './graph.js';
import { inferNode } from './infer.js';
import { withoutDeadCode } from './editor.js';
import { commutative, type OnnxOp } from './operators.js';
import {
  batchDependence,
  bytesOf,
  type Constant,
  type Data,
  type DType,
  elementTypes,
  sameShape,
  type Shape,
  type TensorType,
  valueType,
  type ValueType,
} from './types.js';
import { portable, type Target } from '../target.js';

/** More operations than any function records, unless it loops up to the number that stands for the batch. */
const tooMany = 1 << 18;

/**
 * Builds a graph node by node. Types are inferred by the operator table; equal nodes and equal constants are shared.
 */
export class GraphBuilder implements Scope {
  /** Layer to which new nodes are attributed. */
  origin = '';
  readonly loose = false;
  private readonly nodes: Node[] = [];
  private readonly inputs: string[] = [];
  private readonly outputs: { readonly name: string; readonly from: string }[] = [];
  private readonly constants = new Map<string, Constant>();
  private readonly types = new Map<string, TensorType>();
  /** The same types in the form of the graph. */
  private readonly valueTypes: Map<string, ValueType>;
  private readonly producers = new Map<string, Node>();
  private readonly shared = new Map<string, readonly string[]>();
  private readonly sharedConstants = new Map<string, string[]>();
  /** Vectors of integers by their numbers: the most frequent constants. */
  private readonly vectors = new Map<string, string>();
  private counter = 0;

  /** @param dynamicBatch the number that stands for the dynamic batch; null when all sizes are known */
  constructor(
    readonly target: Target = portable,
    readonly dynamicBatch: number | null = null,
  ) {
    this.valueTypes = dynamicBatch === null ? this.types : new Map<string, ValueType>();
  }

  get block(): number | null {
    return this.target.block;
  }

  /** Whether the size depends on the dynamic batch. */
  isBatch(size: number): boolean {
    return this.dynamicBatch !== null && size >= this.dynamicBatch;
  }

  type(name: string): TensorType | undefined {
    return this.types.get(name);
  }

  constant(name: string): Constant | undefined {
    return this.constants.get(name);
  }

  producer(name: string): Node | undefined {
    return this.producers.get(name);
  }

  typeOf(name: string): TensorType {
    const type = this.types.get(name);
    if (!type) throw new Error(`value '${name}' is not defined`);
    return type;
  }

  shapeOf(name: string): Shape {
    return this.typeOf(name).shape;
  }

  /** Records a node with one output and returns its name. */
  emit(op: OnnxOp, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.emitAll(op, inputs, attributes, 1)[0];
  }

  /** Records a node with several outputs, or returns the outputs of an equal node. */
  emitAll(op: OnnxOp, inputs: readonly string[], attributes: Attributes, count: number): readonly string[] {
    const operands = commutative.has(op) ? inputs.toSorted() : inputs;
    const key = `${op}(${operands.join(',')})${JSON.stringify(attributes)}#${count}`;
    const existing = this.shared.get(key);
    if (existing) return existing;
    if (this.dynamicBatch !== null)
      for (const [name, { value }] of attributeList(attributes))
        if (typeof value !== 'object' || Array.isArray(value))
          this.requireFixed([value].flat(), `attribute ${name} of ${op}`);
    const types = inferNode(this, { op, inputs, attributes }, count);
    const outputs = types.map(() => this.fresh(op.replace('nchwc.', 'Blocked')));
    const node: Node = { op, inputs, outputs, attributes, origin: this.origin };
    for (const [i, name] of outputs.entries()) {
      this.define(name, types[i]);
      this.producers.set(name, node);
    }
    if (this.nodes.push(node) > tooMany && this.dynamicBatch !== null)
      throw batchDependence('the number of operations');
    this.shared.set(key, outputs);
    return outputs;
  }

  /** Runs `task`; its nodes are attributed to the layer `origin` unless a layer is known. */
  attributed<T>(origin: string, task: () => T): T {
    const outer = this.origin;
    this.origin = outer || origin;
    try {
      return task();
    } finally {
      this.origin = outer;
    }
  }

  addConstant(data: Data, shape: Shape, dtype: DType): string {
    this.requireFixed(shape, 'a constant');
    const bytes = bytesOf(data);
    const key = `${dtype}[${shape.join(',')}]${data.slice(0, 8).join(',')}`;
    const candidates = this.sharedConstants.get(key) ?? [];
    for (const name of candidates) {
      const constant = this.constants.get(name);
      if (constant && Buffer.compare(bytesOf(constant.data), bytes) === 0) return name;
    }
    const name = this.fresh('k');
    this.constants.set(name, { data, shape, dtype });
    this.define(name, { shape, dtype });
    this.sharedConstants.set(key, [...candidates, name]);
    return name;
  }

  /** A vector of int64 (shapes, axes, pads). */
  integers(values: readonly number[]): string {
    const key = values.join();
    const known = this.vectors.get(key);
    if (known !== undefined) return known;
    this.requireFixed(values, 'a shape or position');
    const name = this.addConstant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
    this.vectors.set(key, name);
    return name;
  }

  scalar(value: number, dtype: Exclude<DType, 'int64'> = 'float32'): string {
    return this.addConstant(elementTypes[dtype].array.of(value), [], dtype);
  }

  input(name: string, shape: Shape, dtype: DType): string {
    if (this.types.has(name)) throw new Error(`value '${name}' is defined twice`);
    this.define(name, { shape, dtype });
    this.inputs.push(name);
    return name;
  }

  output(name: string, from: string): void {
    this.outputs.push({ name, from });
  }

  cast(name: string, dtype: DType): string {
    return this.emit('Cast', [name], { to: int(elementTypes[dtype].code) });
  }

  reshape(name: string, shape: Shape): string {
    const producer = this.producers.get(name);
    const source = producer?.op === 'Reshape' ? producer.inputs[0] : name;
    const from = this.shapeOf(source);
    if (sameShape(from, shape)) return source;
    return this.emit('Reshape', [source, this.integers(this.reshapeTarget(from, shape))]);
  }

  transpose(name: string, perm: readonly number[]): string {
    if (perm.every((p, i) => p === i)) return name;
    const shape = this.shapeOf(name);
    const moving = perm.filter((p) => shape[p] !== 1);
    const stays = moving.every((p, i) => i === 0 || moving[i - 1] < p);
    return stays
      ? this.reshape(
          name,
          perm.map((p) => shape[p]),
        )
      : this.emit('Transpose', [name], { perm: ints(perm) });
  }

  expand(name: string, shape: Shape): string {
    if (sameShape(this.shapeOf(name), shape)) return name;
    const batch = this.dynamicBatch;
    if (batch === null || !shape.includes(batch)) return this.emit('Expand', [name, this.integers(shape)]);
    // A dynamic batch is read from the shape of an input that has it.
    const source = this.inputs.find((input) => this.shapeOf(input)[0] === batch);
    if (source === undefined) throw new Error('no input has the dynamic batch');
    const n = this.emit('Shape', [source], { start: int(0), end: int(1) });
    const parts = shape.map((d) => (d === batch ? n : this.integers([d])));
    return this.emit('Expand', [name, parts.length === 1 ? n : this.emit('Concat', parts, { axis: int(0) })]);
  }

  slice(
    name: string,
    axes: readonly number[],
    begin: readonly number[],
    end: readonly number[],
    steps?: readonly number[],
  ): string {
    const inputs = [name, this.integers(begin), this.integers(end), this.integers(axes)];
    return this.emit('Slice', steps ? [...inputs, this.integers(steps)] : inputs);
  }

  /** The finished graph, without dead code; outputs have the requested names. */
  finish(): Graph {
    const { renamed, extra } = this.nameOutputs();
    const rename = (name: string): string => renamed.get(name) ?? name;
    const renames = (names: readonly string[]): boolean => names.some((name) => renamed.has(name));
    const nodes = [...this.nodes, ...extra].map((node) =>
      renames(node.inputs) || renames(node.outputs)
        ? { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }
        : node,
    );
    const port = (name: string, from = name): Port => ({ name, ...valueType(this.typeOf(from), this.dynamicBatch) });
    const types = new Map(this.valueTypes);
    const outputs = this.outputs.map(({ name, from }) => port(name, from));
    for (const { name, dtype, shape } of outputs) types.set(name, { dtype, shape });
    return withoutDeadCode({
      inputs: this.inputs.map((name) => port(name)),
      outputs,
      nodes,
      constants: this.constants,
      types,
      block: this.block,
    });
  }

  /** The node that computes an output gets the output's name; where that is not possible, an Identity gives the name. */
  private nameOutputs(): { renamed: Map<string, string>; extra: Node[] } {
    const renamed = new Map<string, string>();
    const extra: Node[] = [];
    for (const { name, from } of this.outputs)
      if (this.producers.has(from) && !renamed.has(from)) renamed.set(from, name);
      else extra.push({ op: 'Identity', inputs: [from], outputs: [name], attributes: {}, origin: '' });
    return { renamed, extra };
  }

  private reshapeTarget(from: Shape, to: Shape): Shape {
    const batch = this.dynamicBatch;
    if (from[0] === batch && to[0] === batch) return to.with(0, 0);
    const at = to.findIndex((d) => this.isBatch(d));
    return at < 0 ? to : to.with(at, -1);
  }

  private define(name: string, type: TensorType): void {
    this.valueTypes.set(name, valueType(type, this.dynamicBatch));
    this.types.set(name, type);
  }

  /** Refuses constants that depend on the batch. */
  private requireFixed(values: readonly (number | string)[], what: string): void {
    for (const value of values)
      if (typeof value === 'number' && this.isBatch(Math.abs(value))) throw batchDependence(what);
  }

  private fresh(prefix: string): string {
    return `${prefix}_${this.counter++}`;
  }
}
