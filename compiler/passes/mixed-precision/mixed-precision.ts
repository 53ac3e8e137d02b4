import type { Graph, Node } from '../../graph/index.js';
import { elementTypes, GraphEditor, int, toHalf } from '../../graph/index.js';
import { Assignment, isFloat } from './assignment.js';

/** The same value in float16. */
const half = (name: string): string => `${name}/half`;

const cast = (from: string, to: string, dtype: 'float16' | 'float32', origin = ''): Node => ({
  op: 'Cast',
  inputs: [from],
  outputs: [to],
  attributes: { to: int(elementTypes[dtype].code) },
  origin,
});

/**
 * Lets products, and what lies between them, compute in float16; sums over many numbers, loss, optimizer and states stay
 * float32 (Micikevicius et al. 2018, "Mixed Precision Training"; `rules.ts` has a rule for each operator). Every value is
 * cast once at most, however often it is read, and nothing is cast back and forth.
 * @param longestSum the most products whose sum the provider adds up well enough in float16
 */
export function mixedPrecision(graph: Graph, longestSum: number): Graph {
  const editor = new GraphEditor(graph);
  const assignment = new Assignment(editor, longestSum);
  // Casts that nothing reads go in the end.
  for (const { name, dtype } of graph.inputs)
    if (dtype === 'float32') editor.prepend(cast(name, half(name), 'float16'));
  for (const [name, { data, shape }] of graph.constants)
    if (data instanceof Float32Array) editor.addConstant(half(name), { dtype: 'float16', shape, data: toHalf(data) });
  for (const node of editor.nodes()) {
    const floats = node.outputs.filter((name) => isFloat(editor, name));
    if (assignment.isHalf(node)) {
      const inHalf = (name: string): string => (isFloat(editor, name) ? half(name) : name);
      const attributes = node.op === 'Cast' ? { to: int(elementTypes.float16.code) } : node.attributes;
      const computed = { ...node, attributes, inputs: node.inputs.map(inHalf), outputs: node.outputs.map(inHalf) };
      editor.replace(node, computed, ...floats.map((name) => cast(half(name), name, 'float32', node.origin)));
    } else if (floats.length > 0)
      editor.replace(node, node, ...floats.map((name) => cast(name, half(name), 'float16', node.origin)));
  }
  return editor.finish();
}
