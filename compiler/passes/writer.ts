import type {
  Attributes,
  Constant,
  DType,
  GraphEditor,
  NewNode,
  Node,
  OnnxOp,
  Shape,
  TensorType,
} from '../graph/index.js';
import { elementTypes, int } from '../graph/index.js';

/** Writes a node with other operators; returns the values that replace its results, null where it cannot. */
export type OperatorRewrite = (writer: OperatorWriter) => readonly string[] | null;

/** Element types of numbers that rewrites write. */
type NumberType = 'float32' | 'int32';

/** Collects the nodes that replace one node. */
export class OperatorWriter {
  private readonly written: NewNode[] = [];
  private counter = 0;

  constructor(
    private readonly editor: GraphEditor,
    readonly node: Node,
  ) {}

  /** The type of a value of the graph. */
  typeOf(name: string): TensorType {
    const type = this.editor.type(name);
    if (!type) throw new Error(`internal: the type of '${name}' is not known`);
    return type;
  }

  producer(name: string): Node | undefined {
    return this.editor.producer(name);
  }

  constantOf(name: string): Constant | undefined {
    return this.editor.constant(name);
  }

  /** The numbers that a constant holds. */
  numbers(name: string): readonly number[] {
    const constant = this.editor.constant(name);
    if (!constant) throw new Error(`internal: '${name}' is no constant`);
    return Array.from(constant.data, Number);
  }

  emit(op: OnnxOp, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.emitAll(op, inputs, attributes, 1)[0];
  }

  emitAll(op: OnnxOp, inputs: readonly string[], attributes: Attributes, count: number): readonly string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(op));
    this.written.push({ op, inputs, outputs, attributes, origin: this.node.origin });
    return outputs;
  }

  cast(name: string, dtype: DType): string {
    return this.emit('Cast', [name], { to: int(elementTypes[dtype].code) });
  }

  reshape(name: string, shape: Shape): string {
    return this.emit('Reshape', [name, this.integers(shape)]);
  }

  /** Reduces axes away, or to 1. */
  reduce(op: 'ReduceMax' | 'ReduceMean' | 'ReduceSum', name: string, axes: readonly number[], keep: boolean): string {
    return this.emit(op, [name, this.integers(axes)], { keepdims: int(keep ? 1 : 0) });
  }

  number(value: number, dtype: NumberType = 'float32'): string {
    return this.constant([value], [], dtype);
  }

  constant(values: readonly number[], shape: Shape, dtype: NumberType): string {
    return this.editor.addConstant(this.fresh('k'), shape, elementTypes[dtype].array.from(values));
  }

  integers(values: readonly number[]): string {
    return this.editor.addIntegers(this.fresh('k'), values);
  }

  /** Replaces the node by the written nodes; these values are its results. */
  finish(results: readonly string[]): void {
    const { editor, node, written } = this;
    const renamed = new Map<string, string>();
    const made = new Set(written.flatMap(({ outputs }) => outputs));
    for (const [i, output] of node.outputs.entries()) {
      const result = results[i];
      if (made.has(result) && !renamed.has(result)) renamed.set(result, output);
      else if (editor.isOutput(output)) written.push({ op: 'Identity', inputs: [result], outputs: [output] });
      else editor.replaceUses(output, result);
    }
    const rename = (name: string): string => renamed.get(name) ?? name;
    editor.replace(
      node,
      ...written.map((each) => ({ ...each, inputs: each.inputs.map(rename), outputs: each.outputs.map(rename) })),
    );
  }

  private fresh(what: string): string {
    return `${this.node.outputs[0]}/${what}_${this.counter++}`;
  }
}
