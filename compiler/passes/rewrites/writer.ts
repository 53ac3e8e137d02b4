import type { Attributes, DType, GraphEditor, NewNode, Node, OnnxOp, Shape } from '../../graph/index.js';
import { elementTypes, int } from '../../graph/index.js';

/** Writes a node with other operators; gives the values that take the place of its results. */
export type Rewrite = (writer: Writer) => readonly string[];

/** Writes what takes the place of one node, in terms of other operators. */
export class Writer {
  private readonly written: NewNode[] = [];
  private counter = 0;

  constructor(
    private readonly editor: GraphEditor,
    readonly node: Node,
  ) {}

  shapeOf(name: string): Shape {
    return this.editor.shapeOf(name);
  }

  emit(op: OnnxOp, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.fresh(op);
    this.written.push({ op, inputs, outputs: [output], attributes, origin: this.node.origin });
    return output;
  }

  /** What a value was before it was cast; null when it was not. */
  beforeCast(name: string): string | null {
    const producer = this.editor.producer(name);
    return producer?.op === 'Cast' ? producer.inputs[0] : null;
  }

  /** The value with elements of the type that another value has. */
  castLike(name: string, other: string): string {
    const [from, to] = [this.editor.type(name)?.dtype, this.editor.type(other)?.dtype];
    return from === to || to === undefined ? name : this.cast(name, to);
  }

  cast(name: string, dtype: DType): string {
    return this.emit('Cast', [name], { to: int(elementTypes[dtype].code) });
  }

  reshape(name: string, shape: Shape): string {
    return this.emit('Reshape', [name, this.integers(shape)]);
  }

  /** Reduces axes away, or to 1. */
  reduce(op: 'ReduceMax' | 'ReduceMean' | 'ReduceMin', name: string, axes: readonly number[], keep: boolean): string {
    return this.emit(op, [name, this.integers(axes)], { keepdims: int(keep ? 1 : 0) });
  }

  number(value: number, dtype: Exclude<DType, 'int64'> = 'float32'): string {
    return this.constant([value], [], dtype);
  }

  constant(values: readonly number[], shape: Shape, dtype: Exclude<DType, 'int64'> = 'float32'): string {
    return this.editor.addConstant(this.fresh('k'), { dtype, shape, data: elementTypes[dtype].array.from(values) });
  }

  integers(values: readonly number[]): string {
    return this.editor.integers(this.fresh('k'), values);
  }

  /** Puts what was written in the place of the node, whose results are these values. */
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
