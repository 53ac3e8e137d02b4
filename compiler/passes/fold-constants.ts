import type { Constant, Graph, Node } from '../graph/index.js';
import { GraphEditor } from '../graph/index.js';
import { toStorage } from '../values/layout.js';

/** Value of a node whose inputs are constants, for operators that only rearrange; null for all others. */
function rearranged(editor: GraphEditor, node: Node): Constant | null {
  const source = editor.constant(node.inputs[0]);
  const type = editor.type(node.outputs[0]);
  if (!source || !type) return null;
  if (node.op === 'Reshape') return { ...type, data: source.data };
  const perm = node.attributes['perm'];
  if (node.op !== 'Transpose' || perm?.kind !== 'ints') return null;
  return { ...type, data: toStorage(source.data, source.shape, perm.value) };
}

/** Computes Reshape and Transpose of constants now. */
export function foldConstants(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const [name] = node.outputs;
    const value = editor.isOutput(name) ? null : rearranged(editor, node);
    if (value === null) continue;
    editor.addConstant(name, value);
    editor.replace(node);
  }
  return editor.finish();
}
