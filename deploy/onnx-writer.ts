import { dtypeOf, type Attributes, type Constant, type Data, type OnnxNode } from '../compiler/index.js';

/** Collects the nodes and constants of an ONNX file. Names begin with a prefix. */
export class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, Constant>();
  private names = 0;

  constructor(private readonly prefix: string) {}

  /** Adds a node with one output, which has the given name, or one that is made up; returns the name. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, output = this.fresh(op)): string {
    this.push(op, inputs, [output], attributes);
    return output;
  }

  /** Adds a node with two outputs. */
  pair(op: string, inputs: readonly string[], attributes: Attributes): readonly [first: string, second: string] {
    const outputs = [this.fresh(op), this.fresh(op)] as const;
    this.push(op, inputs, outputs, attributes);
    return outputs;
  }

  floats(values: ArrayLike<number>, shape: readonly number[] = []): string {
    return this.constant(Float32Array.from(values), shape);
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant(BigInt64Array.from(values, BigInt), shape);
  }

  constant(data: Data, shape: readonly number[]): string {
    const name = this.fresh('constant');
    this.constants.set(name, { dtype: dtypeOf(data), shape, data });
    return name;
  }

  private push(op: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes): void {
    this.nodes.push({ op, inputs, outputs, attributes, origin: '', name: this.fresh('node') });
  }

  private fresh(what: string): string {
    return `${this.prefix}/${what}_${this.names++}`;
  }
}
