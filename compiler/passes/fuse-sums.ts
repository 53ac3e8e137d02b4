import type { Graph, Node } from '../graph/index.js';
import { GraphEditor, isDynamic, sameShape } from '../graph/index.js';

/** A convolution in blocks whose result is read once, as it is or in another shape. */
interface OnlyUse {
  readonly convolution: Node;
  /** The node that gives the result its shape; null when it is read as it is. */
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

/** conv(x) + y -> conv(x) with addend y: one pass over memory less, where nothing else reads conv(x). */
export function fuseSums(graph: Graph): Graph {
  // The addend's shape is written down as numbers.
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
    // The convolution moves to where the sum was: the addend is known there.
    const shape = editor.integers(`${output}/shape`, editor.shapeOf(output));
    editor.replace(
      sum,
      { op: 'Reshape', inputs: [other, shape], outputs: [addend], origin: sum.origin },
      { ...convolution, inputs: [x, weights, bias, addend], outputs: reshape ? convolution.outputs : sum.outputs },
      ...(reshape ? [{ ...reshape, outputs: sum.outputs }] : []),
    );
  }
  return editor.finish();
}
