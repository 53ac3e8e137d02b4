import {
  type Graph,
  GraphEditor,
  isDynamic,
  type NewNode,
  type Node,
  type OnnxOp,
  sameShape,
  type Shape,
  sizeOf,
} from '../graph/index.js';

/** A blocked convolution whose result is read once, as it is or in another shape. */
interface OnlyUse {
  readonly convolution: Node;
  /** The node that reshapes the result; null when it is read as it is. */
  readonly reshape: Node | null;
}

/** The blocked convolution that computes `name`, when nothing else reads what it computes. */
function onlyUseOf(editor: GraphEditor, name: string): OnlyUse | null {
  if (editor.readsOf(name) !== 1) return null;
  const last = editor.producer(name);
  const reshape = last?.op === 'Reshape' ? last : null;
  if (reshape && editor.readsOf(reshape.inputs[0]) !== 1) return null;
  const convolution = reshape ? editor.producer(reshape.inputs[0]) : last;
  return convolution?.op === 'nchwc.Conv' ? { convolution, reshape } : null;
}

/** A convolution that can take the other operand of `sum` as its addend. */
function convolutionOf(editor: GraphEditor, sum: Node): [OnlyUse, string] | null {
  const [a, b] = sum.inputs;
  if (!sameShape(editor.shapeOf(a), editor.shapeOf(b))) return null;
  for (const [own, other] of [
    [a, b],
    [b, a],
  ]) {
    const source = onlyUseOf(editor, own);
    if (source && source.convolution.inputs.length < 4) return [source, other];
  }
  return null;
}

/** conv(x) + y -> conv(x) with addend y: saves one pass over memory, where nothing else reads conv(x). */
export function fuseSums(graph: Graph): Graph {
  // The shape of the addend has to be constant.
  if (isDynamic(graph)) return graph;
  const editor = new GraphEditor(graph);
  for (const sum of editor.nodes()) {
    const found = sum.op === 'Add' ? convolutionOf(editor, sum) : null;
    if (!found) continue;
    const [{ convolution, reshape }, other] = found;
    const [output] = convolution.outputs;
    const addend = `${output}/addend`;
    const [x, weights, bias = ''] = convolution.inputs;
    editor.replace(convolution);
    if (reshape) editor.replace(reshape);
    // The convolution moves to the place of the sum, where the addend is defined.
    const shape = editor.addIntegers(`${output}/shape`, editor.shapeOf(output));
    editor.replace(
      sum,
      { op: 'Reshape', inputs: [other, shape], outputs: [addend], origin: sum.origin },
      { ...convolution, inputs: [x, weights, bias, addend], outputs: reshape ? convolution.outputs : sum.outputs },
      ...(reshape ? [{ ...reshape, outputs: sum.outputs }] : []),
    );
  }
  return editor.finish();
}

/** Operators that work element by element, in any shape. */
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

  /** One reshape to `shape` instead of several; none where the value has that shape already. */
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

  /** f(reshape(x)) -> reshape(f(x)), so that the reshape can be merged with the next one; null where that is not possible. */
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
 * Merges reshapes of reshapes, and moves reshapes past elementwise operators so that they meet: blocked operators need
 * different shapes, and each reshape is a node that costs time and moves nothing.
 */
export function simplifyReshapes(graph: Graph): Graph {
  // With a dynamic batch, shapes are computed when the graph runs.
  if (isDynamic(graph)) return graph;
  const editor = new GraphEditor(graph);
  const reshapes = new Reshapes(editor);
  for (const node of editor.nodes()) {
    const by = node.op === 'Reshape' ? reshapes.merged(node, editor.shapeOf(node.outputs[0])) : reshapes.sunk(node);
    if (by) editor.replace(node, ...by);
  }
  return editor.finish();
}
