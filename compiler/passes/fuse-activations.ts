import type { Attributes, Graph, Node } from '../graph/index.js';
import { floats, GraphEditor, string } from '../graph/index.js';
import { onlyUseOf } from './only-use.js';

/** The activation as attributes of a blocked convolution; null when there is no such. */
function fusedAttributes(editor: GraphEditor, { op, inputs, attributes }: Node): Attributes | null {
  if (op === 'Relu') return { activation: string('Relu') };
  if (op === 'HardSigmoid') {
    const [alpha, beta] = [attributes['alpha'], attributes['beta']];
    if (alpha?.kind !== 'float' || beta?.kind !== 'float') return null;
    return { activation: string('HardSigmoid'), activation_params: floats([alpha.value, beta.value]) };
  }
  if (op !== 'Clip') return null;
  const [low, high] = inputs.slice(1).map((name) => editor.constant(name)?.data);
  if (!(low instanceof Float32Array) || !(high instanceof Float32Array)) return null;
  return { activation: string('Clip'), activation_params: floats([low[0], high[0]]) };
}

/** f(conv(x)) -> conv(x) with activation f: one pass over memory less, where nothing else reads conv(x). */
export function fuseActivations(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const attributes = fusedAttributes(editor, node);
    const source = attributes && onlyUseOf(editor, node.inputs[0]);
    if (!source) continue;
    const { convolution, reshape } = source;
    const { outputs } = node;
    // What gave its name to the result before gives it now.
    editor.replace(convolution, {
      ...convolution,
      attributes: { ...convolution.attributes, ...attributes },
      outputs: reshape ? convolution.outputs : outputs,
    });
    if (reshape) editor.replace(reshape, { ...reshape, outputs });
    editor.replace(node);
  }
  return editor.finish();
}
