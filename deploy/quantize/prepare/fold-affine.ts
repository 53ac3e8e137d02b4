import type { OnnxEditor } from '../editor.js';
import { floatOf, int, intOf, ints, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { inferShapes, isNumber, type Shapes } from '../shapes/index.js';

/** `scale x + shift` for each channel, computed in float64 until it is folded. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** A constant as one value a channel of images [N, C, H, W]; `undefined` where it varies along other axes. */
function perChannel(editor: OnnxEditor, name: string, channels: number): Float64Array | undefined {
  const values = editor.floats(name);
  const dims = editor.dims(name) ?? [];
  const axis = dims.length - 3;
  if (values === undefined || dims.length > 4 || dims.some((dim, i) => dim !== 1 && i !== axis)) return undefined;
  if (values.length === 1) return new Float64Array(channels).fill(values[0]);
  return values.length === channels ? Float64Array.from(values) : undefined;
}

function normalization(editor: OnnxEditor, node: OnnxNode): Affine | undefined {
  const [gamma, beta, mean, variance] = node.input.slice(1).map((name) => editor.floats(name));
  if (!gamma || !beta || !mean || !variance || intOf(node, 'training_mode', 0) !== 0) return undefined;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const scale = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: Float64Array.from(beta, (value, c) => value - mean[c] * scale[c]) };
}

/** What a node does to each channel of images, if it does nothing else. */
function affineOf(editor: OnnxEditor, node: OnnxNode, channels: number): Affine | undefined {
  const ones = () => new Float64Array(channels).fill(1);
  const constant = (): Float64Array | undefined => perChannel(editor, node.input[1], channels);
  switch (operatorOf(node)) {
    case 'BatchNormalization':
      return normalization(editor, node);
    case 'Mul': {
      const scale = constant();
      return scale && { scale, shift: new Float64Array(channels) };
    }
    case 'Add': {
      const shift = constant();
      return shift && { scale: ones(), shift };
    }
    default:
      return undefined;
  }
}

/** The convolution with what follows it worked into its kernel and bias. */
function folded(editor: OnnxEditor, convolution: OnnxNode, node: OnnxNode, affine: Affine): OnnxNode | undefined {
  const [x, kernel, bias] = convolution.input;
  const weights = editor.floats(kernel);
  const old = bias ? editor.floats(bias) : undefined;
  if (weights === undefined || (bias && old === undefined)) return undefined;
  const { scale, shift } = affine;
  const [output] = node.output;
  const dims = editor.dims(kernel) ?? [];
  const each = weights.length / scale.length;
  const isScaled = scale.some((factor) => factor !== 1);
  const input = [
    x,
    isScaled
      ? editor.addConstant(
          `${output}/kernel`,
          dims,
          weights.map((value, i) => value * scale[Math.floor(i / each)]),
        )
      : kernel,
    editor.addConstant(
      `${output}/bias`,
      [shift.length],
      Float32Array.from(shift, (value, c) => (old?.[c] ?? 0) * scale[c] + value),
    ),
  ];
  return { ...convolution, input, output: [output] };
}

/** A normalisation that follows no convolution, as one of each channel by itself. */
function byItself(editor: OnnxEditor, node: OnnxNode, { scale, shift }: Affine): OnnxNode {
  const [output] = node.output;
  const channels = scale.length;
  const kernel = editor.addConstant(`${output}/kernel`, [channels, 1, 1, 1], Float32Array.from(scale));
  const bias = editor.addConstant(`${output}/bias`, [channels], Float32Array.from(shift));
  const attributes = { kernel_shape: ints([1, 1]), group: int(channels) };
  return { ...onnxNode('Conv', [node.input[0], kernel, bias], [output], attributes), name: node.name };
}

function rewritten(editor: OnnxEditor, shapes: Shapes, node: OnnxNode): void {
  const [x] = node.input;
  const dims = shapes.dims(x);
  const channels = dims?.length === 4 ? dims[1] : undefined;
  const affine = isNumber(channels) ? affineOf(editor, node, channels) : undefined;
  if (affine === undefined) return;
  const before = editor.producer(x);
  if (before !== undefined && operatorOf(before) === 'Conv' && editor.only(x) === node) {
    const by = folded(editor, before, node, affine);
    if (by === undefined) return;
    editor.replace(node, by);
    editor.remove(before);
  } else if (operatorOf(node) === 'BatchNormalization') editor.replace(node, byItself(editor, node, affine));
}

/**
 * Batch normalisations, and products and sums with constants for each channel, are worked into the convolution before them;
 * a normalisation that follows none becomes a convolution of each channel by itself.
 */
export function foldAffine(editor: OnnxEditor): void {
  const shapes = inferShapes(editor);
  for (const { output } of editor.nodes) {
    const node = editor.producer(output[0]);
    if (node !== undefined) rewritten(editor, shapes, node);
  }
}
