import type { Graph, NewNode, Node, OnnxOp, Shape } from '../graph/index.js';
import { GraphEditor, isDynamic, sameShape, sizeOf } from '../graph/index.js';

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

class Reshapes {
  /** Reshaped values, by what is reshaped and to which shape. */
  private readonly shared = new Map<string, string>();

  constructor(private readonly editor: GraphEditor) {}

  /** The reshape that makes the value. */
  private reshapeOf(name: string): Node | undefined {
    const node = this.editor.producer(name);
    return node?.op === 'Reshape' ? node : undefined;
  }

  /** The value before it was reshaped. */
  private source(name: string): string {
    return this.reshapeOf(name)?.inputs[0] ?? name;
  }

  /** One reshape to `shape` instead of several, and none to the shape that is there. */
  merged(node: NewNode, shape: Shape): readonly NewNode[] {
    const { editor, shared } = this;
    const [output] = node.outputs;
    const source = this.source(node.inputs[0]);
    const key = `${source}:${shape.join()}`;
    const known = sameShape(editor.shapeOf(source), shape) ? source : shared.get(key);
    if (known !== undefined && !editor.isOutput(output)) {
      editor.replaceUses(output, known);
      return [];
    }
    shared.set(key, output);
    return [{ ...node, inputs: [source, node.inputs[1]] }];
  }

  /** f(reshape(x)) -> reshape(f(x)), so that the reshape may meet the next one; null where that is not possible. */
  sunk(node: Node): readonly NewNode[] | null {
    const { editor } = this;
    const [output] = node.outputs;
    if (!shapeless.has(node.op) || editor.isOutput(output)) return null;
    const shape = editor.shapeOf(output);
    const full = node.inputs.filter((name) => name !== '' && editor.shapeOf(name).length > 0);
    const inner = this.reshapeOf(full[0]);
    if (inner === undefined || sizeOf(shape) === 1) return null;
    const raw = editor.shapeOf(inner.inputs[0]);
    const fits = (name: string): boolean =>
      this.reshapeOf(name) !== undefined &&
      sameShape(editor.shapeOf(name), shape) &&
      sameShape(editor.shapeOf(this.source(name)), raw);
    if (!full.every(fits)) return null;
    const name = `${output}/raw`;
    const inputs = node.inputs.map((input) => (full.includes(input) ? this.source(input) : input));
    const reshape: NewNode = { ...inner, inputs: [name, inner.inputs[1]], outputs: [output], origin: node.origin };
    return [{ ...node, inputs, outputs: [name] }, ...this.merged(reshape, shape)];
  }
}

/**
 * Reshapes meet and merge: blocked operators want images in one shape here and in another there, each a node that moves
 * nothing but costs its turn.
 */
export function simplifyReshapes(graph: Graph): Graph {
  // With a dynamic batch, shapes are worked out when the graph runs.
  if (isDynamic(graph)) return graph;
  const editor = new GraphEditor(graph);
  const reshapes = new Reshapes(editor);
  for (const node of editor.nodes()) {
    const by = node.op === 'Reshape' ? reshapes.merged(node, editor.shapeOf(node.outputs[0])) : reshapes.sunk(node);
    if (by) editor.replace(node, ...by);
  }
  return editor.finish();
}
