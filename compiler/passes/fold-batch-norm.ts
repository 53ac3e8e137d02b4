import type { Constant, Graph, Node } from '../graph/index.js';
import { sizeOf, withoutDeadCode } from '../graph/index.js';

/** What inference-mode batch normalisation does to each channel: scale*x + shift. */
function scaleAndShift(graph: Graph, node: Node): { scale: Float64Array; shift: Float64Array } | null {
  const vectors = node.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
  const epsilon = node.attributes['epsilon'];
  const [gamma, beta, mean, variance] = vectors.map((data) => (data instanceof Float32Array ? data : null));
  if (!gamma || !beta || !mean || !variance || epsilon?.kind !== 'float') return null;
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon.value));
  return { scale, shift: Float64Array.from(beta, (b, c) => b - mean[c] * scale[c]) };
}

interface Folded {
  readonly node: Node;
  readonly weights: Constant;
  readonly bias: Constant;
}

/** The convolution with the batch normalisation of its output worked into filter and bias; null when it has no constants. */
function fold(graph: Graph, convolution: Node, norm: Node): Folded | null {
  const [x, filterName, biasName] = [...convolution.inputs, ''];
  const filter = graph.constants.get(filterName);
  const old = biasName === '' ? null : graph.constants.get(biasName);
  const affine = scaleAndShift(graph, norm);
  if (!affine || !(filter?.data instanceof Float32Array) || old === undefined) return null;
  const { scale, shift } = affine;
  const perChannel = sizeOf(filter.shape) / filter.shape[0];
  const weights = filter.data.map((w, i) => w * scale[Math.floor(i / perChannel)]);
  const bias = Float32Array.from(shift, (s, c) => (old ? Number(old.data[c]) * scale[c] : 0) + s);
  const [output] = norm.outputs;
  return {
    node: { ...convolution, inputs: [x, `${output}/filter`, `${output}/bias`], outputs: [output] },
    weights: { ...filter, data: weights },
    bias: { dtype: 'float32', shape: [bias.length], data: bias },
  };
}

/** Works inference-mode batch normalisations into the constant convolutions before them. */
export function foldBatchNorm(graph: Graph): Graph {
  const uses = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((port) => port.name)])
    uses.set(name, (uses.get(name) ?? 0) + 1);
  const convolutions = new Map(graph.nodes.filter(({ op }) => op === 'Conv').map((node) => [node.outputs[0], node]));
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const nodes = graph.nodes.map((node) => {
    const before = node.op === 'BatchNormalization' ? convolutions.get(node.inputs[0]) : undefined;
    if (!before || uses.get(before.outputs[0]) !== 1) return node;
    const folded = fold(graph, before, node);
    if (!folded) return node;
    const [, filter, bias] = folded.node.inputs;
    for (const [name, constant] of [[filter, folded.weights] as const, [bias, folded.bias] as const]) {
      constants.set(name, constant);
      types.set(name, { dtype: constant.dtype, shape: constant.shape });
    }
    return folded.node;
  });
  return withoutDeadCode({ ...graph, nodes, constants, types });
}
