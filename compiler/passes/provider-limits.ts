import { type Graph, GraphEditor, int, intOf, intsOf, type NewNode, type Node } from '../graph/index.js';

/** Whether the provider computes a convolution as a product of matrices, which is right. */
const isProduct = (filter: readonly number[], node: Node): boolean =>
  filter.slice(2).every((side) => side === 1) &&
  (intsOf(node, 'strides') ?? []).every((stride) => stride === 1) &&
  (intsOf(node, 'pads') ?? []).every((pad) => pad === 0);

/**
 * Pads convolutions with channels of zeros, up to a multiple of four, where they have 6, 9, 15, 18 ... channels and a multiple of
 * four filters. ONNX Runtime's WebGPU kernel reads such images three channels at a time, and silently reads all but the first
 * three from the wrong place (onnxruntime/core/providers/webgpu/nn/conv2d_mm.cc: the offset of channel c is c / 4, as
 * if it read four at a time). In gradients of filters, the channels are the images of the batch.
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
    if (!isMisread || isProduct(editor.shapeOf(inputs[1]), node)) continue;
    const rank = editor.shapeOf(inputs[1]).length;
    const ends = Array.from({ length: 2 * rank }, (_, i) => (i === rank + 1 ? 4 - (channels % 4) : 0));
    const pads = editor.addIntegers(`${outputs[0]}/pads`, ends);
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

/** A value and the results of its split. */
interface SplitPart {
  readonly name: string;
  readonly results: readonly string[];
}

/** Groups results into at most `most` runs, so that the tree of splits has as few levels as possible. */
function runsOf(results: readonly string[], most: number): readonly (readonly string[])[] {
  let length = 1;
  while (length * most < results.length) length *= most;
  return Array.from({ length: Math.ceil(results.length / length) }, (_, i) =>
    results.slice(i * length, (i + 1) * length),
  );
}

/** Splits with more than `most` results become trees of splits: each result is a storage buffer of one shader. */
export function narrowSplits(graph: Graph, most: number | null): Graph {
  if (most === null) return graph;
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    if (node.op !== 'Split' || node.outputs.length <= most) continue;
    const { origin } = node;
    const given = intOf(node, 'axis', 0);
    const axis = given < 0 ? given + editor.shapeOf(node.inputs[0]).length : given;
    const sizeOf = (results: readonly string[]): number =>
      results.reduce((sum, name) => sum + editor.shapeOf(name)[axis], 0);
    const splits: NewNode[] = [];
    const split = ({ name, results }: SplitPart): void => {
      const runs = runsOf(results, most);
      const parts = runs.map((run): SplitPart => ({
        name: run.length === 1 ? run[0] : `${run[0]}/and ${run.length - 1} more`,
        results: run,
      }));
      const sizes = editor.addIntegers(`${parts[0].name}/sizes`, runs.map(sizeOf));
      splits.push({
        op: 'Split',
        inputs: [name, sizes],
        outputs: parts.map((part) => part.name),
        attributes: { axis: int(axis) },
        origin,
      });
      for (const part of parts) if (part.results.length > 1) split(part);
    };
    split({ name: node.inputs[0], results: node.outputs });
    editor.replace(node, ...splits);
  }
  return editor.finish();
}
