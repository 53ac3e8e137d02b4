import type { Attributes, Constant, Graph, Node } from '../graph/index.js';
import { attributeList, GraphEditor, int, sizeOf } from '../graph/index.js';

/** A convolution of some consecutive channels of a map. */
interface Part {
  readonly node: Node;
  readonly map: string;
  readonly start: number;
  readonly end: number;
  readonly filter: Constant;
}

/** One whole number that a constant holds. */
function numberOf(editor: GraphEditor, name: string): number | null {
  const constant = editor.constant(name);
  return constant?.data.length === 1 ? Number(constant.data[0]) : null;
}

/** Reads a value as a convolution without bias of channels cut from a map; null when it is something else. */
function partOf(editor: GraphEditor, name: string): Part | null {
  const node = editor.producer(name);
  if (node?.op !== 'Conv' || node.inputs.length !== 2 || node.attributes['group'] !== undefined) return null;
  const slice = editor.producer(node.inputs[0]);
  const filter = editor.constant(node.inputs[1]);
  if (slice?.op !== 'Slice' || !(filter?.data instanceof Float32Array)) return null;
  const [start, end, axis] = [1, 2, 3].map((i) => numberOf(editor, slice.inputs[i]));
  return start === null || end === null || axis !== 1 ? null : { node, map: slice.inputs[0], start, end, filter };
}

const textOf = (attributes: Attributes): string => JSON.stringify(attributeList(attributes));

/** Whether parts cut one map into equal groups, in order and completely, and are convolved alike. */
function areGroups(editor: GraphEditor, parts: readonly Part[]): boolean {
  const [{ map, node, filter }] = parts;
  const channels = editor.shapeOf(map)[1];
  const width = channels / parts.length;
  return parts.every(
    (part, i) =>
      part.map === map &&
      part.start === i * width &&
      part.end === (i + 1) * width &&
      part.filter.shape.every((side, d) => side === filter.shape[d]) &&
      textOf(part.node.attributes) === textOf(node.attributes),
  );
}

/** Filters one after the other, [out, in, height, width] each. */
function stacked(filters: readonly Constant[]): Constant {
  const [{ shape, dtype }] = filters;
  const data = new Float32Array(filters.reduce((sum, filter) => sum + sizeOf(filter.shape), 0));
  let offset = 0;
  for (const filter of filters) {
    data.set(Float32Array.from(filter.data, Number), offset);
    offset += filter.data.length;
  }
  return { dtype, shape: shape.with(0, shape[0] * filters.length), data };
}

/**
 * Makes one convolution in groups of convolutions whose inputs are cut from one map and whose outputs are put side by
 * side: the form in which models without a layer for groups say it.
 */
export function groupConvolutions(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const axis = node.attributes['axis'];
    if (node.op !== 'Concat' || axis?.kind !== 'int' || axis.value !== 1) continue;
    const parts = node.inputs.map((name) => partOf(editor, name));
    if (!parts.every((part) => part !== null) || parts.length < 2 || !areGroups(editor, parts)) continue;
    const filter = editor.addConstant(`${node.outputs[0]}/groups`, stacked(parts.map((part) => part.filter)));
    const [{ node: first, map }] = parts;
    const attributes = { ...first.attributes, group: int(parts.length) };
    editor.replace(node, { ...first, inputs: [map, filter], outputs: node.outputs, attributes });
  }
  return editor.finish();
}
