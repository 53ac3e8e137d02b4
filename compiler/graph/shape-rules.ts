/** Rules that infer the output types of operators. movement-rules.ts has the operators that move elements. */
import { intOf, intsOf, textOf, type Attributes } from './attributes.js';
import { samePadding } from '../../base/same-padding.js';
import type { DType, Shape, TensorType } from './types.js';
import { broadcastShapes, isFixed, range, sameShape } from './types.js';

/** The view of a node for shape rules. */
export interface Signature {
  readonly op: string;
  /** Types of the inputs; undefined where an optional input is left out, or where the type is unknown. */
  readonly inputs: readonly (TensorType | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: number;
  /** Whether an input is given. */
  has(input: number): boolean;
  /** Known value of an input (shapes, axes, pads, factors), null when it is known only at run time. */
  numbers(input: number): readonly number[] | null;
  /** Channels in a block of the blocked layout; null where there is none. */
  readonly block: number | null;
  /** Whether the graph was read from a file: sizes may be open or unknown (NaN), and then fit any size. */
  readonly loose: boolean;
}
/** Types of the outputs, from the first on; throws where the inputs do not fit. */
export type ShapeRule = (node: Signature) => readonly TensorType[];

export const fail = (node: Signature, message: string): never => {
  const types = node.inputs.map((t) => (t ? `${t.dtype}[${t.shape.join(',')}]` : '-')).join(', ');
  throw new Error(`${node.op}(${types}): ${message}`);
};

export const input = (node: Signature, index: number): TensorType =>
  node.inputs[index] ?? fail(node, `input ${index} is missing`);

export const known = (node: Signature, index: number): readonly number[] =>
  node.numbers(index) ?? fail(node, `input ${index} must be known`);

export const intAttribute = (node: Pick<Signature, 'attributes'>, name: string, otherwise?: number): number => {
  return intOf(node, name, otherwise) ?? fail(node as Signature, `attribute ${name} must be an integer`);
};

export const intsAttribute = (node: Signature, name: string, otherwise?: readonly number[]): readonly number[] => {
  return intsOf(node, name) ?? otherwise ?? fail(node, `attribute ${name} must be a list of integers`);
};

export const expectDtypes = (node: Signature, allowed: readonly DType[], from = 0, to = node.inputs.length): void => {
  for (let i = from; i < to; i++) {
    const type = node.inputs[i];
    if (type && !allowed.includes(type.dtype)) fail(node, `input ${i} must be ${allowed.join(' or ')}`);
  }
};

export const expectSameDtype = (node: Signature, from = 0, to = node.inputs.length): DType => {
  const { dtype } = input(node, from);
  expectDtypes(node, [dtype], from, to);
  return dtype;
};

export const axisOf = (node: Signature, axis: number, rank: number): number => {
  const a = axis < 0 ? axis + rank : axis;
  return a >= 0 && a < rank ? a : fail(node, `axis ${axis} is out of range`);
};

/** Axes as the second input or the attribute `axes` gives them, counted from the front; undefined where neither does. */
export function axesOf(node: Signature, rank: number): readonly number[] | undefined {
  const listed = node.has(1) ? known(node, 1) : intsOf(node, 'axes');
  return listed?.map((axis) => axisOf(node, axis, rank));
}

/** A size plus a number; unknown for an open size in a graph read from a file. */
export const plus = (node: Signature, size: number, by: number): number =>
  by === 0 || !node.loose || (isFixed(size) && isFixed(by)) ? size + by : NaN;

/** Whether two sizes may be the same. */
const agree = (node: Signature, a: number, b: number): boolean =>
  a === b || (node.loose && !(isFixed(a) && isFixed(b)));

/** One output of the first input's type; `dtypes` are the allowed element types. */
export const unary =
  (...dtypes: DType[]): ShapeRule =>
  (node) => {
    expectDtypes(node, dtypes, 0, 1);
    return [input(node, 0)];
  };

/** Numpy broadcasting over all inputs of one element type. */
export const broadcasting =
  (dtypes: readonly DType[], result?: DType): ShapeRule =>
  (node) => {
    const dtype = expectSameDtype(node);
    expectDtypes(node, dtypes);
    const shape = broadcastShapes(
      node.inputs.map((_, i) => input(node, i).shape),
      node.loose,
    );
    return [{ dtype: result ?? dtype, shape: shape ?? fail(node, 'shapes do not broadcast') }];
  };

export const where: ShapeRule = (node) => {
  expectDtypes(node, ['bool'], 0, 1);
  const dtype = expectSameDtype(node, 1);
  const shapes = node.inputs.map((_, i) => input(node, i).shape);
  return [{ dtype, shape: broadcastShapes(shapes, node.loose) ?? fail(node, 'shapes do not broadcast') }];
};

export const clip: ShapeRule = (node) => {
  expectSameDtype(node);
  return [input(node, 0)];
};

/** The first output has the input's type; the second, of dropout, is the mask of kept elements. */
export const dropout: ShapeRule = (node) => {
  const x = input(node, 0);
  return [x, { dtype: 'bool' as const, shape: x.shape }].slice(0, node.outputs);
};

export const reduction: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axes = new Set(axesOf(node, shape.length) ?? range(shape.length));
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  return [{ dtype, shape: shape.map((d, i) => (axes.has(i) ? 1 : d)).filter((_, i) => keep || !axes.has(i)) }];
};

export const argReduction: ShapeRule = (node) => {
  const { shape } = input(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), shape.length);
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  return [
    { dtype: 'int64', shape: keep ? shape.map((d, i) => (i === axis ? 1 : d)) : shape.filter((_, i) => i !== axis) },
  ];
};

/** How a window of a convolution or pooling moves over an image. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all axes, then ends. */
  readonly pads: readonly number[];
}

/**
 * The window of a node, its pads written out.
 * @param spatial sizes of the image that it reads
 * @param kernel sizes of the weights, where the node has no `kernel_shape`
 * @returns undefined where the pads are unknown, because they depend on unknown sizes
 */
export function windowOf(
  node: Pick<Signature, 'attributes'>,
  spatial: Shape,
  kernel?: readonly number[],
): Window | undefined {
  const listed = (name: string): readonly number[] | undefined => intsOf(node, name);
  const size = listed('kernel_shape') ?? kernel;
  if (size?.length !== spatial.length) return undefined;
  const ones = spatial.map(() => 1);
  const { strides = ones, dilations = ones } = { strides: listed('strides'), dilations: listed('dilations') };
  const auto = textOf(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID') {
    const none = new Array<number>(2 * spatial.length).fill(0);
    return { kernel: size, strides, dilations, pads: auto === 'VALID' ? none : (listed('pads') ?? none) };
  }
  if (!spatial.every(isFixed)) return undefined;
  const pads = spatial.map((extent, i) => {
    const around = samePadding(extent, (size[i] - 1) * dilations[i] + 1, strides[i]);
    return auto === 'SAME_UPPER' ? around : around.toReversed();
  });
  return { kernel: size, strides, dilations, pads: [...pads.map(([begin]) => begin), ...pads.map(([, end]) => end)] };
}

/** Sizes of the spatial axes after a sliding window. */
function windowed(node: Signature, spatial: Shape, weights?: Shape): number[] {
  const window = windowOf(node, spatial, weights?.every(isFixed) ? weights : undefined);
  if (window === undefined && !node.loose) fail(node, 'the window does not fit the axes of the image');
  return spatial.map((extent, i) => {
    if (window === undefined || (node.loose && !isFixed(extent))) return NaN;
    const { kernel, strides, dilations, pads } = window;
    const span = (kernel[i] - 1) * dilations[i] + 1;
    const steps = (extent + pads[i] + pads[i + spatial.length] - span) / strides[i];
    // The runtime decides whether a last, partial window counts.
    if (intAttribute(node, 'ceil_mode', 0) === 1 && !Number.isInteger(steps)) return NaN;
    const size = Math.floor(steps) + 1;
    return size > 0 ? size : fail(node, `the window is larger than the padded input on spatial axis ${i}`);
  });
}

export const convolution: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [x, w] = [input(node, 0).shape, input(node, 1).shape];
  if (x.length !== w.length || (!node.loose && x.length !== 4)) fail(node, 'two-dimensional convolutions need rank 4');
  const group = intAttribute(node, 'group', 1);
  if (!agree(node, x[1], w[1] * group) || w[0] % group !== 0) fail(node, `channels do not fit ${group} groups`);
  const bias = node.inputs[2];
  if (bias && !sameShape(bias.shape, [w[0]])) fail(node, 'the bias has the wrong shape');
  return [{ dtype, shape: [x[0], w[0], ...windowed(node, x.slice(2), w.slice(2))] }];
};

export const transposedConvolution: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [x, w] = [input(node, 0).shape, input(node, 1).shape];
  const group = intAttribute(node, 'group', 1);
  if (x.length !== 4 || w.length !== 4 || x[1] !== w[0]) fail(node, 'channels do not fit');
  const strides = intsAttribute(node, 'strides', [1, 1]);
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const dilations = intsAttribute(node, 'dilations', [1, 1]);
  const extra = intsAttribute(node, 'output_padding', [0, 0]);
  const isPlain = node.attributes['auto_pad'] === undefined && node.attributes['output_shape'] === undefined;
  const spatial = [0, 1].map((i) =>
    isPlain && (!node.loose || isFixed(x[i + 2]))
      ? (x[i + 2] - 1) * strides[i] + (w[i + 2] - 1) * dilations[i] + 1 + extra[i] - pads[i] - pads[i + 2]
      : NaN,
  );
  return [{ dtype, shape: [x[0], w[1] * group, ...spatial] }];
};

export const pooling: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  if (!node.loose && shape.length !== 4) fail(node, 'two-dimensional pooling needs rank 4');
  const out = [...shape.slice(0, 2), ...windowed(node, shape.slice(2))];
  const outputs: TensorType[] = [
    { dtype, shape: out },
    { dtype: 'int64', shape: out },
  ];
  return outputs.slice(0, node.outputs);
};

export const globalPool: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  return [{ dtype, shape: shape.map((d, axis) => (axis < 2 ? d : 1)) }];
};

export const matrixProduct: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [a, b] = [input(node, 0).shape, input(node, 1).shape];
  if (a.length < 2 || b.length < 2 || !agree(node, a[a.length - 1], b[b.length - 2])) fail(node, 'inner sizes differ');
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)], node.loose);
  if (batch === null) return fail(node, 'batch sizes do not broadcast');
  return [{ dtype, shape: [...batch, a[a.length - 2], b[b.length - 1]] }];
};

export const gemm: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [a, b] = [input(node, 0).shape, input(node, 1).shape];
  return [{ dtype, shape: [a[intAttribute(node, 'transA', 0)], b[1 - intAttribute(node, 'transB', 0)]] }];
};

export const batchNormalization: ShapeRule = (node) => {
  const x = input(node, 0);
  const dtype = expectSameDtype(node);
  expectDtypes(node, ['float32', 'float16']);
  const channels = x.shape[1];
  for (let i = 1; i < 5; i++) {
    const { shape } = input(node, i);
    if (shape.length !== 1 || !agree(node, shape[0], channels)) fail(node, `input ${i} must have shape [${channels}]`);
  }
  const vector: TensorType = { dtype, shape: [channels] };
  const training = intAttribute(node, 'training_mode', 0) === 1;
  if (!node.loose && node.outputs !== (training ? 3 : 1)) fail(node, `has ${node.outputs} outputs`);
  return training ? [x, vector, vector] : [x];
};

/** Bytes have the type of the zero point, floats the type of the scale. */
export const quantized: ShapeRule = (node) => [
  {
    dtype: node.inputs[2]?.dtype ?? (node.has(2) ? fail(node, 'the zero point is unknown') : 'uint8'),
    shape: input(node, 0).shape,
  },
];
export const dequantized: ShapeRule = (node) => [{ dtype: input(node, 1).dtype, shape: input(node, 0).shape }];
