import type { Attributes, DType, Shape, TensorType } from './types.js';
import { broadcastShapes, range, sizeOf } from './types.js';

/** What a shape rule sees of a node. */
export interface Signature {
  readonly op: string;
  /** Types of the inputs; undefined where an optional input is left out. */
  readonly inputs: readonly (TensorType | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: number;
  /** Known value of an input (shapes, axes, pads, factors), null when it is known only at run time. */
  numbers(input: number): readonly number[] | null;
  /** Channels in a block of the blocked layout; null where there is none. */
  readonly block: number | null;
}
export type ShapeRule = (node: Signature) => readonly TensorType[];

export const fail = (node: Signature, message: string): never => {
  const types = node.inputs.map((t) => (t ? `${t.dtype}[${t.shape.join(',')}]` : '-')).join(', ');
  throw new Error(`${node.op}(${types}): ${message}`);
};

export const input = (node: Signature, index: number): TensorType =>
  node.inputs[index] ?? fail(node, `input ${index} is missing`);

export const known = (node: Signature, index: number): readonly number[] =>
  node.numbers(index) ?? fail(node, `input ${index} must be known`);

export const intAttribute = (node: Signature, name: string, otherwise?: number): number => {
  const attribute = node.attributes[name];
  if (attribute?.kind === 'int') return attribute.value;
  return otherwise ?? fail(node, `attribute ${name} must be an integer`);
};

export const intsAttribute = (node: Signature, name: string, otherwise?: readonly number[]): readonly number[] => {
  const attribute = node.attributes[name];
  if (attribute?.kind === 'ints') return attribute.value;
  return otherwise ?? fail(node, `attribute ${name} must be a list of integers`);
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

/** One output of the first input's type; `dtypes` are those that are allowed. */
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
    const shape = broadcastShapes(node.inputs.map((_, i) => input(node, i).shape));
    return [{ dtype: result ?? dtype, shape: shape ?? fail(node, 'shapes do not broadcast') }];
  };

export const reduction: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const listed = node.inputs.length > 1 ? known(node, 1) : intsAttribute(node, 'axes', range(shape.length));
  const axes = new Set(listed.map((a) => axisOf(node, a, shape.length)));
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

/** Sizes of the two spatial axes after a sliding window. */
function windowed(node: Signature, spatial: Shape, kernel: readonly number[]): number[] {
  const strides = intsAttribute(node, 'strides', [1, 1]);
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const dilations = intsAttribute(node, 'dilations', [1, 1]);
  return spatial.map((d, i) => {
    const extent = (kernel[i] - 1) * dilations[i] + 1;
    const size = Math.floor((d + pads[i] + pads[i + 2] - extent) / strides[i]) + 1;
    return size > 0 ? size : fail(node, `the window is larger than the padded input on spatial axis ${i}`);
  });
}

export const convolution: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [x, w] = [input(node, 0).shape, input(node, 1).shape];
  if (x.length !== 4 || w.length !== 4) fail(node, 'two-dimensional convolutions need rank 4');
  const group = intAttribute(node, 'group', 1);
  if (x[1] !== w[1] * group || w[0] % group !== 0) fail(node, `channels do not fit ${group} groups`);
  const bias = node.inputs[2];
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== w[0])) fail(node, 'the bias has the wrong shape');
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
  const spatial = [0, 1].map(
    (i) => (x[i + 2] - 1) * strides[i] + (w[i + 2] - 1) * dilations[i] + 1 + extra[i] - pads[i] - pads[i + 2],
  );
  return [{ dtype, shape: [x[0], w[1] * group, ...spatial] }];
};

export const pooling: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  if (shape.length !== 4) fail(node, 'two-dimensional pooling needs rank 4');
  const out = [...shape.slice(0, 2), ...windowed(node, shape.slice(2), intsAttribute(node, 'kernel_shape'))];
  const outputs: TensorType[] = [
    { dtype, shape: out },
    { dtype: 'int64', shape: out },
  ];
  return outputs.slice(0, node.outputs);
};

export const matrixProduct: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const [a, b] = [input(node, 0).shape, input(node, 1).shape];
  if (a.length < 2 || b.length < 2 || a[a.length - 1] !== b[b.length - 2]) fail(node, 'inner sizes differ');
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]) ?? fail(node, 'batch sizes do not broadcast');
  return [{ dtype, shape: [...batch, a[a.length - 2], b[b.length - 1]] }];
};

export const batchNormalization: ShapeRule = (node) => {
  const x = input(node, 0);
  const dtype = expectSameDtype(node);
  expectDtypes(node, ['float32', 'float16']);
  const channels = x.shape[1];
  for (let i = 1; i < 5; i++) {
    const { shape } = input(node, i);
    if (shape.length !== 1 || shape[0] !== channels) fail(node, `input ${i} must have shape [${channels}]`);
  }
  const vector: TensorType = { dtype, shape: [channels] };
  const training = intAttribute(node, 'training_mode', 0) === 1;
  if (node.outputs !== (training ? 3 : 1)) fail(node, `has ${node.outputs} outputs`);
  return training ? [x, vector, vector] : [x];
};

export const reshape: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const target = known(node, 1).map((d, i) => (d === 0 ? shape[i] : d));
  const rest = target.reduce((a, d) => (d === -1 ? a : a * d), 1);
  const out = target.map((d) => (d === -1 ? sizeOf(shape) / rest : d));
  if (sizeOf(out) !== sizeOf(shape)) fail(node, `cannot become [${out.join(',')}]`);
  return [{ dtype, shape: out }];
};
