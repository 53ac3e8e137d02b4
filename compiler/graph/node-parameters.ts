/** Parameters of a node in one form, whichever opset wrote it: from attributes, constant inputs, or ONNX's defaults. */
import { floatOf, intOf, intsOf, textOf } from './attributes.js';
import { type OnnxNode, type Scope } from './graph.js';
import { numbersOf } from './infer.js';
import { range } from './types.js';

/** The numbers of a float32 constant; undefined for other values. */
export function floatsOf(scope: Pick<Scope, 'constant'>, name = ''): Float32Array | undefined {
  const data = scope.constant(name)?.data;
  return data instanceof Float32Array ? data : undefined;
}

/** A constant of one number, whose broadcast changes no shape. */
export function scalarOf(scope: Pick<Scope, 'constant'>, name = ''): number | undefined {
  const values = floatsOf(scope, name);
  return values?.length === 1 && (scope.constant(name)?.shape.length ?? 0) < 2 ? values[0] : undefined;
}

/**
 * Integers of an input, or of the attribute that held them in earlier opsets; undefined where neither is given, null where
 * they depend on more than sizes.
 */
export function integersOf(scope: Scope, node: OnnxNode, input: number, attribute: string) {
  const name = node.inputs[input] ?? '';
  return name === '' ? intsOf(node, attribute) : numbersOf(scope, name);
}

/** Axes of a reduction, counted from the front, in order: `2,3`. Null where they are not known. */
export function reducedAxes(scope: Scope, node: OnnxNode, rank: number): string | null {
  const axes = integersOf(scope, node, 1, 'axes');
  if (axes === null) return null;
  return (axes ?? range(rank))
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .toSorted((a, b) => a - b)
    .join();
}

export type Bounds = readonly [low: number, high: number];

/** The bounds of a node that only clips its first input; undefined for other nodes, and for bounds that are computed. */
export function boundsOf(scope: Pick<Scope, 'constant'>, node: OnnxNode): Bounds | undefined {
  const { op, inputs } = node;
  const other = inputs.length === 2 ? scalarOf(scope, inputs[1]) : undefined;
  // Bounds of Clip are attributes before opset 11. PyTorch and TensorFlow write the largest float for a missing one.
  const bound = (input: number, attribute: string, open: number): number | undefined => {
    const given = inputs[input] ? scalarOf(scope, inputs[input]) : floatOf(node, attribute, open);
    return given !== undefined && Math.abs(given) > 3.4e38 ? open : given;
  };
  const found: { readonly [op: string]: () => readonly [number | undefined, number | undefined] } = {
    Relu: () => [0, Infinity],
    Clip: () => [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)],
    Max: () => [other, Infinity],
    Min: () => [-Infinity, other],
  };
  const [low, high] = Object.hasOwn(found, op) ? found[op]() : [];
  return low === undefined || high === undefined ? undefined : [low, high];
}

/** HardSigmoid is clip(alpha x + beta, 0, 1). */
export const hardSigmoidOf = (node: OnnxNode) => ({
  alpha: floatOf(node, 'alpha', 0.2),
  beta: floatOf(node, 'beta', 0.5),
});

/** Whether a Gemm is a plain sum of products, A B + C or A B' + C. */
export const isPlainProduct = (node: OnnxNode): boolean =>
  floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1 && intOf(node, 'transA', 0) === 0;

/**
 * Zeros that a Pad puts around images: top, left, bottom, right; undefined where it pads with other values or on other axes.
 * @param rows the axis of the rows; columns follow
 */
export function zerosAround(scope: Scope, node: OnnxNode, rows = 2): readonly number[] | undefined {
  const pads = integersOf(scope, node, 1, 'pads');
  const value = node.inputs[2] ? scalarOf(scope, node.inputs[2]) : floatOf(node, 'value', 0);
  if (textOf(node, 'mode', 'constant') !== 'constant' || node.inputs[3] || value !== 0 || pads?.length !== 8)
    return undefined;
  const around = [rows, rows + 1, rows + 4, rows + 5];
  return pads.every((pad, i) => (around.includes(i) ? pad >= 0 : pad === 0)) ? around.map((i) => pads[i]) : undefined;
}

/** `scale x + shift` for each channel, in float64. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** What a batch normalisation in inference computes; undefined in training, and where its parameters are no constants. */
export function affineOfNorm(scope: Pick<Scope, 'constant'>, node: OnnxNode): Affine | undefined {
  const [gamma, beta, mean, variance] = node.inputs.slice(1).map((name) => floatsOf(scope, name));
  if (!gamma || !beta || !mean || !variance || intOf(node, 'training_mode', 0) !== 0) return undefined;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const scale = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: Float64Array.from(beta, (value, c) => value - mean[c] * scale[c]) };
}
