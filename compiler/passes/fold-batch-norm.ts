import type { Graph, Node } from '../graph/index.js';
import { GraphEditor, sizeOf } from '../graph/index.js';

/** What inference-mode batch normalisation does to each channel: scale*x + shift. */
function scaleAndShift(editor: GraphEditor, node: Node): { scale: Float64Array; shift: Float64Array } | null {
  const vectors = node.inputs.slice(1).map((name) => editor.constant(name)?.data);
  const epsilon = node.attributes['epsilon'];
  const [gamma, beta, mean, variance] = vectors.map((data) => (data instanceof Float32Array ? data : null));
  if (!gamma || !beta || !mean || !variance || epsilon?.kind !== 'float') return null;
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon.value));
  return { scale, shift: Float64Array.from(beta, (b, c) => b - mean[c] * scale[c]) };
}

/** Puts the convolution with the normalisation of its output worked into filter and bias in the place of the latter. */
function fold(editor: GraphEditor, convolution: Node, norm: Node): void {
  const [x, filterName, biasName] = [...convolution.inputs, ''];
  const filter = editor.constant(filterName);
  const old = biasName === '' ? null : editor.constant(biasName);
  const affine = scaleAndShift(editor, norm);
  if (!affine || !(filter?.data instanceof Float32Array) || old === undefined) return;
  const { scale, shift } = affine;
  const perChannel = sizeOf(filter.shape) / filter.shape[0];
  const weights = filter.data.map((w, i) => w * scale[Math.floor(i / perChannel)]);
  const bias = Float32Array.from(shift, (s, c) => (old ? Number(old.data[c]) * scale[c] : 0) + s);
  const [output] = norm.outputs;
  const inputs = [
    x,
    editor.addConstant(`${output}/filter`, { ...filter, data: weights }),
    editor.addConstant(`${output}/bias`, { dtype: 'float32', shape: [bias.length], data: bias }),
  ];
  editor.replace(norm, { ...convolution, inputs, outputs: norm.outputs });
}

/** Works inference-mode batch normalisations into the constant convolutions before them. */
export function foldBatchNorm(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const before = node.op === 'BatchNormalization' ? editor.producer(node.inputs[0]) : undefined;
    if (before?.op === 'Conv' && editor.readsOf(before.outputs[0]) === 1) fold(editor, before, node);
  }
  return editor.finish();
}
