import { boundsOf, floatOf, hardSigmoidOf, intOf, nodeLabel, type OnnxNode } from '../../compiler/index.js';
import type { Lowering, Rule } from './lower-graph.js';
import { bytes } from './lower-program.js';
import type { Clipping, Elementwise, Quantization } from './program.js';

/** Bytes of functions with bounded results, as TFLite's kernels have them. */
export const bounded: { readonly [K in 'sigmoid' | 'tanh' | 'softmax']: Quantization } = {
  sigmoid: bytes(1 / 256, -128),
  tanh: bytes(1 / 128, 0),
  softmax: bytes(1 / 256, -128),
};

/** A function of each number; in bytes, its result has the scale of the file, or the one that the function has. */
export function elementwise(node: OnnxNode, it: Lowering, what: Elementwise, quantization?: Quantization): void {
  const value = it.value(node);
  const operator = { op: 'elementwise', label: nodeLabel(node), inputs: [value.tensor], function: what } as const;
  if (quantization !== undefined && it.isBytes(value.tensor)) it.putAlike(node, operator, value, quantization);
  else it.putAlike(node, operator, value);
}

/** Bounds: of the operator before where nothing else reads it, else an operator. */
export function clipped(node: OnnxNode, it: Lowering, clip: Exclude<Clipping, 'none'>): void {
  const value = it.value(node);
  const isAlone = it.isReadOnce(node.inputs[0]) && it.madeBy(value.tensor) === node.inputs[0];
  if (isAlone && !it.isBytes(value.tensor) && it.builder.clip(value.tensor, clip)) it.same(node, value);
  else elementwise(node, it, { name: clip });
}

export const clip: Rule = (node, it) => {
  const [low, high] = boundsOf(it.scope, node) ?? [NaN, NaN];
  if (low === 0 && high === 6) clipped(node, it, 'relu6');
  else if (low === 0 && high === Infinity) clipped(node, it, 'relu');
  else throw it.refusal(node, `clips to [${low},${high}]; programs clip to [0, 6] or [0, ∞]`, 'Use relu or relu6.');
};

/** The hard sigmoid of MobileNetV3, clip(x / 6 + 1 / 2, 0, 1). */
const isUsual = ({ alpha, beta }: ReturnType<typeof hardSigmoidOf>): boolean =>
  Math.abs(alpha - 1 / 6) < 1e-5 && Math.abs(beta - 0.5) < 1e-3;

const otherSlope = 'is a hard sigmoid of another slope than clip(x / 6 + 1 / 2, 0, 1)';

export const hardSigmoid: Rule = (node, it) => {
  if (!isUsual(hardSigmoidOf(node))) throw it.refusal(node, otherSlope);
  elementwise(node, it, { name: 'hard-sigmoid' });
};

export const leakyRelu: Rule = (node, it) => {
  const slope = floatOf(node, 'alpha', 0.01);
  // Bytes that are read at another scale: DequantizeLinear makes a hard sigmoid of the value itself.
  if (slope === 1 && it.isGate(node.outputs[0])) it.same(node, it.value(node));
  else elementwise(node, it, slope === 1 ? { name: 'rescale' } : { name: 'leaky-relu', slope });
};

export const softmax: Rule = (node, it) => {
  const value = it.value(node);
  const axis = intOf(node, 'axis', -1);
  const rank = value.placement.axes.length;
  if ((axis < 0 ? axis + rank : axis) !== 1 && value.placement.axes.flat().length > 1)
    throw it.refusal(node, 'is a softmax over another axis than the classes');
  const operator = { op: 'softmax', label: nodeLabel(node), inputs: [value.tensor] } as const;
  it.putAlike(node, operator, value, it.isBytes(value.tensor) ? bounded.softmax : undefined);
};

export const quantize: Rule = (node, it) => {
  const value = it.value(node);
  if (it.isBytes(value.tensor)) {
    it.same(node, value);
    return;
  }
  const { scale, zero } = it.byteScaleOf(node);
  const operator = { op: 'quantize', label: nodeLabel(node), inputs: [value.tensor] } as const;
  it.putAlike(node, operator, value, bytes(scale, zero));
};

export const dequantize: Rule = (node, it) => {
  const [x] = node.inputs;
  if (!it.isActivation(x)) {
    it.readBytes(node);
    return;
  }
  const value = it.value(node);
  const [written, read] = [it.writtenAs(x), it.byteScaleOf(node)];
  if (written === undefined || (written.scale === read.scale && written.zero === read.zero)) {
    it.same(node, value);
    return;
  }
  // Written as x, read as clip(alpha x + beta, 0, 1).
  const isGate =
    read.zero === -128 && isUsual({ alpha: read.scale / written.scale, beta: (written.zero + 128) * read.scale });
  if (!isGate) throw it.refusal(node, otherSlope);
  const operator = {
    op: 'elementwise',
    label: nodeLabel(node),
    inputs: [value.tensor],
    function: { name: 'hard-sigmoid' },
  } as const;
  it.putAlike(node, operator, value, bytes(read.scale, read.zero));
};
