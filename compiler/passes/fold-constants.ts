import type { Constant, Graph, Node } from '../graph/index.js';
import { withoutDeadCode } from '../graph/index.js';
import { toStorage } from '../values/layout.js';

/** Value of a node whose inputs are constants, for operators that only rearrange; null for all others. */
function rearranged(graph: Graph, node: Node, constants: ReadonlyMap<string, Constant>): Constant | null {
  const source = constants.get(node.inputs[0]);
  const type = graph.types.get(node.outputs[0]);
  if (!source || !type) return null;
  if (node.op === 'Reshape') return { ...type, data: source.data };
  const perm = node.attributes['perm'];
  if (node.op !== 'Transpose' || perm?.kind !== 'ints') return null;
  return { ...type, data: toStorage(source.data, source.shape, perm.value) };
}

/** Computes Reshape and Transpose of constants now. */
export function foldConstants(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.filter((node) => {
    const isOutput = graph.outputs.some(({ name }) => name === node.outputs[0]);
    const value = isOutput ? null : rearranged(graph, node, constants);
    if (value) constants.set(node.outputs[0], value);
    return !value;
  });
  return withoutDeadCode({ ...graph, nodes, constants });
}
