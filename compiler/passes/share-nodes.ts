import type { Graph, Node } from '../graph/index.js';
import { attributeList, bytesOf, commutative, GraphEditor } from '../graph/index.js';

/** Longer constants are not compared. */
const longest = 64;

/** Nodes that compute the same from the same values become one, and so do equal constants. */
export function shareNodes(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  const constants = new Map<string, string>();
  const first = new Map<string, Node>();
  const shared = (name: string): string => {
    const constant = editor.constant(name);
    if (constant === undefined || constant.data.length > longest) return name;
    const key = `${constant.dtype}[${constant.shape.join()}]${Buffer.from(bytesOf(constant.data)).toString('hex')}`;
    const known = constants.get(key) ?? name;
    constants.set(key, known);
    return known;
  };
  for (const node of editor.nodes()) {
    const inputs = node.inputs.map(shared);
    const operands = commutative.has(node.op) ? inputs.toSorted() : inputs;
    const key = `${node.op}(${operands.join()})${JSON.stringify(attributeList(node.attributes))}#${node.outputs.length}`;
    const equal = first.get(key);
    if (equal === undefined) first.set(key, node);
    else if (!node.outputs.some((name) => editor.isOutput(name)))
      for (const [i, name] of node.outputs.entries()) editor.replaceUses(name, equal.outputs[i]);
  }
  return editor.finish();
}
