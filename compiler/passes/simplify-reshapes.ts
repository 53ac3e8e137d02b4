import type { Graph, Node, OnnxOp, Shape, TensorType } from '../graph/index.js';
import { sameShape, sizeOf, withoutDeadCode } from '../graph/index.js';

/** Operators that give the same in whatever shape their operands are. */
const shapeless: ReadonlySet<OnnxOp> = new Set<OnnxOp>([
  'Abs',
  'Add',
  'Clip',
  'Div',
  'Exp',
  'HardSigmoid',
  'Mul',
  'Neg',
  'QuickGelu',
  'Relu',
  'Sigmoid',
  'Sqrt',
  'Sub',
  'Tanh',
]);

/** Rewrites nodes one by one. */
class Rewriter {
  readonly nodes: Node[] = [];
  readonly types: Map<string, TensorType>;
  /** Values that are other values under another name. */
  private readonly same = new Map<string, string>();
  /** The node behind each reshaped value. */
  private readonly reshapes = new Map<string, Node>();
  private readonly shared = new Map<string, string>();
  private readonly outputs: ReadonlySet<string>;

  constructor(graph: Graph) {
    this.types = new Map(graph.types);
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  add(original: Node): void {
    const node = { ...original, inputs: original.inputs.map((name) => this.same.get(name) ?? name) };
    if (node.op === 'Reshape') this.reshape(node);
    else if (!this.sink(node)) this.nodes.push(node);
  }

  private shapeOf(name: string): Shape {
    return this.types.get(name)?.shape ?? [];
  }

  /** The value before it was reshaped. */
  private source(name: string): string {
    return this.reshapes.get(name)?.inputs[0] ?? name;
  }

  /** One reshape instead of several, and none to the shape that is there. */
  private reshape(node: Node): void {
    const [output] = node.outputs;
    const source = this.source(node.inputs[0]);
    const shape = this.shapeOf(output);
    const key = `${source}:${shape.join()}`;
    const known = sameShape(this.shapeOf(source), shape) ? source : this.shared.get(key);
    if (known !== undefined && !this.outputs.has(output)) return void this.same.set(output, known);
    const direct = { ...node, inputs: [source, node.inputs[1]] };
    this.nodes.push(direct);
    this.reshapes.set(output, direct);
    this.shared.set(key, output);
  }

  /** f(reshape(x)) -> reshape(f(x)), so that the reshape may meet the next one. */
  private sink(node: Node): boolean {
    const [output] = node.outputs;
    if (!shapeless.has(node.op) || this.outputs.has(output)) return false;
    const shape = this.shapeOf(output);
    const full = node.inputs.filter((name) => name !== '' && this.shapeOf(name).length > 0);
    const [first] = full;
    const inner = this.reshapes.get(first);
    if (inner === undefined || sizeOf(shape) === 1) return false;
    const raw = this.shapeOf(inner.inputs[0]);
    const fits = (name: string): boolean =>
      this.reshapes.has(name) &&
      sameShape(this.shapeOf(name), shape) &&
      sameShape(this.shapeOf(this.source(name)), raw);
    if (!full.every(fits)) return false;
    const name = `${output}/raw`;
    this.types.set(name, { dtype: this.types.get(output)?.dtype ?? 'float32', shape: raw });
    const inputs = node.inputs.map((input) => (full.includes(input) ? this.source(input) : input));
    this.nodes.push({ ...node, inputs, outputs: [name] });
    this.reshape({ ...inner, inputs: [name, inner.inputs[1]], outputs: [output], origin: node.origin });
    return true;
  }
}

/**
 * Reshapes meet and merge: blocked operators want images in one shape here and in another there, each a node that moves
 * nothing but costs its turn.
 */
export function simplifyReshapes(graph: Graph): Graph {
  // With a dynamic batch, shapes are worked out when the graph runs.
  if (graph.dynamicBatch !== null) return graph;
  const rewriter = new Rewriter(graph);
  for (const node of graph.nodes) rewriter.add(node);
  return withoutDeadCode({ ...graph, nodes: rewriter.nodes, types: rewriter.types });
}
