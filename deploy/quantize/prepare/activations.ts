/** Rules that merge bounds into one Relu or Clip, recognise hard sigmoids, and fold scales and shifts into convolutions. */
import {
  affineOfNorm,
  boundsOf,
  float,
  int,
  ints,
  isFixed,
  scalarOf,
  type Affine,
  type NewNode,
  type OnnxNode,
} from '../../../compiler/index.js';
import { named, type Editor, type Replace, type Rules } from './values.js';

function bounded(editor: Editor, node: OnnxNode, x: string, low: number, high: number): readonly NewNode<string>[] {
  const [output] = node.outputs;
  if (low === 0 && high === Infinity) return [named(node, 'Relu', [x], [output])];
  const constant = (value: number, what: string): string =>
    Number.isFinite(value) ? editor.addConstant(`${output}/${what}`, [], Float32Array.of(value)) : '';
  return [named(node, 'Clip', [x, constant(low, 'low'), constant(high, 'high')], [output])];
}

const oneBound: Replace = (node, { editor }) => {
  const own = boundsOf(editor, node);
  if (own === undefined) return null;
  const [x] = node.inputs;
  const [low, high] = own;
  const before = editor.only(x) === node ? editor.producer(x) : undefined;
  const [innerLow, innerHigh] = (before && boundsOf(editor, before)) ?? [NaN, NaN];
  const [most, least] = [Math.max(innerLow, low), Math.min(innerHigh, high)];
  // Bounds that exclude each other stay two nodes.
  if (before !== undefined && most <= least) return bounded(editor, node, before.inputs[0], most, least);
  const isRelu = node.op === 'Clip' && low === 0 && high === Infinity;
  return node.op === 'Min' || node.op === 'Max' || isRelu ? bounded(editor, node, x, low, high) : null;
};

/** Operators that bound a tensor, and bounds of bounded tensors, become one Relu or Clip. */
export const oneBounds: Rules = [{ match: [['Relu', 'Clip', 'Max', 'Min']], replace: oneBound }];

/** `clip(slope x + offset, 0, top)`, written with operators of their own. */
interface Ramp {
  readonly x: string;
  readonly slope: number;
  readonly offset: number;
  readonly top: number;
}

/** A node of one operator with a one-number constant, whose result has a single reader. */
function step(editor: Editor, name: string, op: string): { readonly x: string; readonly value: number } | undefined {
  const node = editor.producer(name);
  if (node?.op !== op || editor.only(name) === undefined) return undefined;
  const value = scalarOf(editor, node.inputs[1]);
  return value === undefined ? undefined : { x: node.inputs[0], value };
}

function rampOf(editor: Editor, node: OnnxNode | undefined): Ramp | undefined {
  const bounds = node && boundsOf(editor, node);
  if (node === undefined || bounds?.[0] !== 0 || !Number.isFinite(bounds[1]) || bounds[1] <= 0) return undefined;
  const shift = step(editor, node.inputs[0], 'Add');
  if (shift === undefined) return undefined;
  const scale = step(editor, shift.x, 'Mul');
  return { x: scale?.x ?? shift.x, slope: scale?.value ?? 1, offset: shift.value, top: bounds[1] };
}

/** Whether a ramp times a number ends at 1. */
const endsAtOne = ({ top }: Ramp, factor: number): boolean => Math.abs(top * factor - 1) < 1e-6;

const hardSigmoid = ({ x, slope, offset }: Ramp, factor: number, output: string): NewNode<string> => ({
  op: 'HardSigmoid',
  inputs: [x],
  outputs: [output],
  attributes: { alpha: float(slope * factor), beta: float(offset * factor) },
});

/** `ramp * factor`, or `(u * ramp) * factor`; the latter as `u * (ramp * factor)`. */
const scaledRamp: Replace = (node, { editor }) => {
  const [inner] = node.inputs;
  const factor = scalarOf(editor, node.inputs[1]);
  const before = editor.producer(inner);
  if (factor === undefined || before === undefined || editor.only(inner) !== node) return null;
  const ramp = rampOf(editor, before);
  if (ramp !== undefined)
    return endsAtOne(ramp, factor) ? [{ ...hardSigmoid(ramp, factor, node.outputs[0]), ...nameOf(node) }] : null;
  if (before.op !== 'Mul') return null;
  for (const [name, other] of [before.inputs, before.inputs.toReversed()]) {
    const side = rampOf(editor, editor.producer(name));
    if (side === undefined || !endsAtOne(side, factor) || editor.only(name) !== before) continue;
    const gate = editor.fresh(`${node.outputs[0]}/gate`);
    return [hardSigmoid(side, factor, gate), named(node, 'Mul', [other, gate], node.outputs)];
  }
  return null;
};

const nameOf = ({ name }: OnnxNode) => (name === undefined ? {} : { name });

const plainRamp: Replace = (node, { editor }) => {
  const ramp = rampOf(editor, node);
  return ramp?.top === 1 ? [{ ...hardSigmoid(ramp, 1, node.outputs[0]), ...nameOf(node) }] : null;
};

/** Hard sigmoids that are written as sums, bounds and products become HardSigmoid. */
export const hardSigmoids: Rules = [
  { match: ['Mul'], replace: scaledRamp },
  { match: ['Clip'], replace: plainRamp },
];

/** A constant as one value a channel of images [N, C, H, W]; undefined where it varies along other axes. */
function perChannel(editor: Editor, name: string, channels: number): Float64Array | undefined {
  const values = editor.floats(name);
  const shape = editor.shapeOf(name);
  const axis = shape.length - 3;
  if (values === undefined || shape.length > 4 || shape.some((size, i) => size !== 1 && i !== axis)) return undefined;
  if (values.length === 1) return new Float64Array(channels).fill(values[0]);
  return values.length === channels ? Float64Array.from(values) : undefined;
}

/** Scale and shift per channel of a BatchNormalization, Mul or Add; undefined if it does more. */
function affineOf(editor: Editor, node: OnnxNode): Affine | undefined {
  const shape = editor.shape(node.inputs[0]);
  const channels = shape?.length === 4 ? shape[1] : NaN;
  if (!isFixed(channels)) return undefined;
  if (node.op === 'BatchNormalization') return affineOfNorm(editor, node);
  const values = perChannel(editor, node.inputs[1], channels);
  if (values === undefined) return undefined;
  const [ones, zeros] = [new Float64Array(channels).fill(1), new Float64Array(channels)];
  return node.op === 'Mul' ? { scale: values, shift: zeros } : { scale: ones, shift: values };
}

/** The convolution with the following scale and shift folded into its kernel and bias. */
const intoConvolution: Replace = (node, { editor, nodes: [, convolution] }) => {
  const affine = affineOf(editor, node);
  const [x, kernel, bias] = convolution.inputs;
  const weights = editor.floats(kernel);
  const old = editor.floats(bias);
  if (affine === undefined || weights === undefined || (bias && old === undefined)) return null;
  const { scale, shift } = affine;
  const [output] = node.outputs;
  const each = weights.length / scale.length;
  const scaled = (): string =>
    editor.addConstant(
      `${output}/kernel`,
      editor.shapeOf(kernel),
      weights.map((value, i) => value * scale[Math.floor(i / each)]),
    );
  const inputs = [
    x,
    scale.some((factor) => factor !== 1) ? scaled() : kernel,
    editor.addConstant(
      `${output}/bias`,
      [shift.length],
      Float32Array.from(shift, (value, c) => (old?.[c] ?? 0) * scale[c] + value),
    ),
  ];
  return [{ ...convolution, inputs, outputs: [output] }];
};

/** A normalisation that follows no convolution, as a depthwise convolution. */
const byItself: Replace = (node, { editor }) => {
  const affine = affineOf(editor, node);
  if (affine === undefined) return null;
  const { scale, shift } = affine;
  const [output] = node.outputs;
  const channels = scale.length;
  const kernel = editor.addConstant(`${output}/kernel`, [channels, 1, 1, 1], Float32Array.from(scale));
  const bias = editor.addConstant(`${output}/bias`, [channels], Float32Array.from(shift));
  const attributes = { kernel_shape: ints([1, 1]), group: int(channels) };
  return [named(node, 'Conv', [node.inputs[0], kernel, bias], [output], attributes)];
};

/**
 * Folds batch normalisations, and products and sums with constants per channel, into the convolution before them. A
 * normalisation that follows no convolution becomes a depthwise convolution.
 */
export const foldAffine: Rules = [
  { match: [['BatchNormalization', 'Mul', 'Add'], 'Conv'], alone: true, replace: intoConvolution },
  { match: ['BatchNormalization'], replace: byItself },
];
