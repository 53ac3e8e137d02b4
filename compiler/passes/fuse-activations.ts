import type { Attributes, Graph, Node } from '../graph/index.js';
import { floats, string, withoutDeadCode } from '../graph/index.js';
import { onlyUseOf, Uses } from './uses.js';

/** The activation as attributes of a blocked convolution; null when there is no such. */
function fusedAttributes(graph: Graph, { op, inputs, attributes }: Node): Attributes | null {
  if (op === 'Relu') return { activation: string('Relu') };
  if (op === 'HardSigmoid') {
    const [alpha, beta] = [attributes['alpha'], attributes['beta']];
    if (alpha?.kind !== 'float' || beta?.kind !== 'float') return null;
    return { activation: string('HardSigmoid'), activation_params: floats([alpha.value, beta.value]) };
  }
  if (op !== 'Clip') return null;
  const [low, high] = inputs.slice(1).map((name) => graph.constants.get(name)?.data);
  if (!(low instanceof Float32Array) || !(high instanceof Float32Array)) return null;
  return { activation: string('Clip'), activation_params: floats([low[0], high[0]]) };
}

/** f(conv(x)) -> conv(x) with activation f: one pass over memory less, where nothing else reads conv(x). */
export function fuseActivations(graph: Graph): Graph {
  const uses = new Uses(graph);
  const replaced = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const attributes = fusedAttributes(graph, node);
    const source = attributes && onlyUseOf(uses, node.inputs[0]);
    if (!source) continue;
    const { convolution, reshape } = source;
    const fused = { ...convolution, attributes: { ...convolution.attributes, ...attributes } };
    // What gave its name to the result before gives it now.
    replaced.set(convolution, reshape ? fused : { ...fused, outputs: node.outputs });
    if (reshape) replaced.set(reshape, { ...reshape, outputs: node.outputs });
    replaced.set(node, null);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const other = replaced.get(node);
    return other === undefined ? [node] : (other ?? []);
  });
  return withoutDeadCode({ ...graph, nodes });
}
