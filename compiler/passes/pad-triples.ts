import type { Attributes, Graph } from '../graph/index.js';
import { GraphEditor } from '../graph/index.js';

const valuesOf = (attributes: Attributes, name: string): readonly number[] => {
  const attribute = attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : [];
};

/** Whether a convolution is a product of matrices to the provider: those are right. */
const isProduct = (filter: readonly number[], attributes: Attributes): boolean =>
  filter.slice(2).every((side) => side === 1) &&
  valuesOf(attributes, 'strides').every((stride) => stride === 1) &&
  valuesOf(attributes, 'pads').every((pad) => pad === 0);

/**
 * Convolutions get channels of zeros, up to a multiple of four, where they have 6, 9, 15, 18 ... of them and a multiple of
 * four filters. ONNX Runtime's WebGPU kernel reads such images three channels at a time, and all but the first three from
 * the wrong place, without a word (onnxruntime/core/providers/webgpu/nn/conv2d_mm.cc: the offset of channel c is c / 4, as
 * if it read four at a time). The gradients of filters are convolutions whose channels are the images of the batch.
 */
export function padTriples(graph: Graph, reads: boolean): Graph {
  if (reads) return graph;
  const editor = new GraphEditor(graph);
  let changed = false;
  for (const node of editor.nodes()) {
    const { op, inputs, outputs, attributes } = node;
    if (op !== 'Conv' || attributes['group'] !== undefined) continue;
    const [filters, channels] = editor.shapeOf(inputs[1]);
    const isMisread = channels > 3 && channels % 3 === 0 && channels % 4 !== 0 && filters % 4 === 0;
    if (!isMisread || isProduct(editor.shapeOf(inputs[1]), attributes)) continue;
    const rank = editor.shapeOf(inputs[1]).length;
    const ends = Array.from({ length: 2 * rank }, (_, i) => (i === rank + 1 ? 4 - (channels % 4) : 0));
    const pads = editor.integers(`${outputs[0]}/pads`, ends);
    const [images, filter, ...bias] = inputs;
    const padded = [images, filter].map((name, i) => ({
      op: 'Pad' as const,
      inputs: [name, pads],
      outputs: [`${outputs[0]}/padded_${i}`],
      origin: node.origin,
    }));
    editor.replace(node, ...padded, { ...node, inputs: [...padded.map((pad) => pad.outputs[0]), ...bias] });
    changed = true;
  }
  return changed ? editor.finish() : graph;
}
