import type { ShapeRule, Signature } from './inference.js';
import {
  argReduction,
  axisOf,
  batchNormalization,
  broadcasting,
  convolution,
  expectDtypes,
  expectSameDtype,
  fail,
  input,
  intAttribute,
  intsAttribute,
  known,
  matrixProduct,
  pooling,
  reduction,
  reshape,
  transposedConvolution,
  unary,
} from './inference.js';
import type { DType, TensorType } from './types.js';
import { broadcastShapes, elementTypes, sameShape } from './types.js';

const numbers: readonly DType[] = ['float32', 'float16', 'int32', 'int64', 'uint32', 'uint8'];
const floatUnary = unary('float32', 'float16');
const arithmetic = broadcasting(numbers);
const comparison = broadcasting([...numbers, 'bool'], 'bool');
const logical = broadcasting(['bool']);

const isElementType = (name: string): name is DType => Object.hasOwn(elementTypes, name);
const cast: ShapeRule = (node) => {
  const code = intAttribute(node, 'to');
  const dtype = Object.keys(elementTypes).find((name) => isElementType(name) && elementTypes[name].code === code);
  return dtype !== undefined && isElementType(dtype)
    ? [{ dtype, shape: input(node, 0).shape }]
    : fail(node, `unknown element type ${code}`);
};

const concat: ShapeRule = (node) => {
  const dtype = expectSameDtype(node);
  const first = input(node, 0).shape;
  const axis = axisOf(node, intAttribute(node, 'axis'), first.length);
  let total = 0;
  for (let i = 0; i < node.inputs.length; i++) {
    const { shape } = input(node, i);
    if (!sameShape(first.with(axis, 0), shape.length === first.length ? shape.with(axis, 0) : shape))
      fail(node, `input ${i} does not fit`);
    total += shape[axis];
  }
  return [{ dtype, shape: first.with(axis, total) }];
};

const expand: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  return [{ dtype, shape: broadcastShapes([shape, known(node, 1)]) ?? fail(node, 'shapes do not broadcast') }];
};

const gather: ShapeRule = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  expectDtypes(node, ['int32', 'int64'], 1);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.shape.length);
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
};

const gatherNd: ShapeRule = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  expectDtypes(node, ['int64'], 1);
  const batch = intAttribute(node, 'batch_dims', 0);
  const depth = indices.shape[indices.shape.length - 1];
  return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)] }];
};

const pad: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const pads = known(node, 1);
  if (pads.length !== 2 * shape.length) fail(node, 'needs two pads an axis');
  return [{ dtype, shape: shape.map((d, i) => d + pads[i] + pads[i + shape.length]) }];
};

const resize: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const factors = known(node, 2);
  const scaled = (d: number, i: number): number => (factors[i] === 1 ? d : Math.floor(Math.fround(d * factors[i])));
  return [{ dtype, shape: shape.map(scaled) }];
};

const scatter: ShapeRule = (node) => {
  const data = input(node, 0);
  expectDtypes(node, ['int64', 'int32'], 1, 2);
  expectDtypes(node, [data.dtype], 2);
  return [data];
};

const shapeOf: ShapeRule = (node) => {
  const rank = input(node, 0).shape.length;
  const [start, end] = [intAttribute(node, 'start', 0), intAttribute(node, 'end', rank)];
  return [{ dtype: 'int64', shape: [end - start] }];
};

const slice: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const [starts, ends, axes] = [known(node, 1), known(node, 2), known(node, 3)];
  const steps = node.inputs.length > 4 ? known(node, 4) : starts.map(() => 1);
  const out = [...shape];
  for (const [i, a] of axes.entries()) {
    const axis = axisOf(node, a, shape.length);
    const d = shape[axis];
    const step = steps[i];
    const clamp = (v: number): number => {
      const w = v < 0 ? v + d : v;
      return step > 0 ? Math.min(Math.max(w, 0), d) : Math.min(Math.max(w, -1), d - 1);
    };
    out[axis] = Math.max(0, Math.ceil((clamp(ends[i]) - clamp(starts[i])) / step));
  }
  return [{ dtype, shape: out }];
};

const split: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), shape.length);
  const sizes = known(node, 1);
  if (sizes.reduce((a, b) => a + b, 0) !== shape[axis]) fail(node, 'the parts do not add up to the whole');
  return sizes.map((size) => ({ dtype, shape: shape.with(axis, size) }));
};

const tile: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const repeats = known(node, 1);
  return [{ dtype, shape: shape.map((d, i) => d * repeats[i]) }];
};

const topK: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', -1), shape.length);
  const out = shape.with(axis, known(node, 1)[0]);
  return [
    { dtype, shape: out },
    { dtype: 'int64', shape: out },
  ];
};

const transpose: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const perm = intsAttribute(node, 'perm');
  if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== shape.length)
    fail(node, `[${perm.join(',')}] is not a permutation of the axes`);
  return [{ dtype, shape: perm.map((p) => shape[p]) }];
};

const where: ShapeRule = (node) => {
  expectDtypes(node, ['bool'], 0, 1);
  const dtype = expectSameDtype(node, 1);
  const shape = broadcastShapes(node.inputs.map((_, i) => input(node, i).shape));
  return [{ dtype, shape: shape ?? fail(node, 'shapes do not broadcast') }];
};

const clip: ShapeRule = (node) => {
  expectSameDtype(node);
  return [input(node, 0)];
};

const wholeBlocks = (node: Signature, channels: number): number => {
  const block = node.block ?? fail(node, 'this graph has no blocked layout');
  return Math.ceil(channels / block) * block;
};

const reorderInput: ShapeRule = (node) => {
  const { dtype, shape: given } = input(node, 0);
  const shape = intAttribute(node, 'channels_last', 0) === 1 ? [given[0], given[3], given[1], given[2]] : given;
  return [{ dtype, shape: shape.with(1, wholeBlocks(node, shape[1])) }];
};

const globalPool: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  return [{ dtype, shape: [...shape.slice(0, 2), 1, 1] }];
};

const reorderOutput: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const channels = intAttribute(node, 'channels');
  if (wholeBlocks(node, channels) !== shape[1]) fail(node, `${channels} channels do not fill the blocks`);
  return [{ dtype, shape: shape.with(1, channels) }];
};

/**
 * Every ONNX operator that the compiler emits, with the rule that infers its outputs. Names are those of the default
 * domain; `nchwc.X` is X of ONNX Runtime's internal blocked-layout domain.
 */
export const shapeRules = {
  Abs: unary(...numbers),
  Acos: floatUnary,
  Acosh: floatUnary,
  Add: arithmetic,
  And: logical,
  ArgMax: argReduction,
  ArgMin: argReduction,
  Asin: floatUnary,
  Asinh: floatUnary,
  Atan: floatUnary,
  Atanh: floatUnary,
  AveragePool: pooling,
  BatchNormalization: batchNormalization,
  BitShift: broadcasting(['uint32']),
  BitwiseXor: broadcasting(['uint32', 'int32']),
  Cast: cast,
  Ceil: floatUnary,
  Clip: clip,
  Concat: concat,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Cos: floatUnary,
  Cosh: floatUnary,
  CumSum: unary(...numbers),
  Div: arithmetic,
  Elu: floatUnary,
  Equal: comparison,
  Erf: floatUnary,
  Exp: floatUnary,
  Expand: expand,
  Floor: floatUnary,
  Gather: gather,
  GatherND: gatherNd,
  Greater: comparison,
  GreaterOrEqual: comparison,
  HardSigmoid: floatUnary,
  Identity: unary(...numbers, 'bool'),
  IsInf: (node) => [{ dtype: 'bool', shape: input(node, 0).shape }],
  IsNaN: (node) => [{ dtype: 'bool', shape: input(node, 0).shape }],
  LeakyRelu: floatUnary,
  Less: comparison,
  LessOrEqual: comparison,
  Log: floatUnary,
  LogSoftmax: floatUnary,
  MatMul: matrixProduct,
  Max: arithmetic,
  MaxPool: pooling,
  Min: arithmetic,
  Mod: arithmetic,
  Mul: arithmetic,
  Neg: unary(...numbers),
  Not: unary('bool'),
  Or: logical,
  Pad: pad,
  Pow: arithmetic,
  QuickGelu: floatUnary,
  Reciprocal: floatUnary,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduction,
  Relu: floatUnary,
  Reshape: reshape,
  Resize: resize,
  Round: floatUnary,
  ScatterElements: scatter,
  Selu: floatUnary,
  Shape: shapeOf,
  Sigmoid: floatUnary,
  Sign: unary(...numbers),
  Sin: floatUnary,
  Sinh: floatUnary,
  Slice: slice,
  Softmax: floatUnary,
  Softplus: floatUnary,
  Split: split,
  Sqrt: floatUnary,
  Sub: arithmetic,
  Tan: floatUnary,
  Tanh: floatUnary,
  Tile: tile,
  TopK: topK,
  Transpose: transpose,
  Where: where,
  Xor: logical,
  'nchwc.Conv': convolution,
  'nchwc.GlobalAveragePool': globalPool,
  'nchwc.ReorderInput': reorderInput,
  'nchwc.ReorderOutput': reorderOutput,
} satisfies Record<string, ShapeRule>;

export type OnnxOp = keyof typeof shapeRules;

/** Operators whose operands may change places. */
export const commutative: ReadonlySet<OnnxOp> = new Set<OnnxOp>(['Add', 'Mul']);

const blockedPrefix = 'nchwc.';
/** Operators of ONNX Runtime's own domain, which its CPU and GPU providers have. */
const contributed: ReadonlySet<OnnxOp> = new Set<OnnxOp>(['QuickGelu']);

/** Domain and name under which the operator stands in an ONNX file. */
export function onnxName(op: OnnxOp): { domain: string; type: string } {
  if (op.startsWith(blockedPrefix)) return { domain: 'com.microsoft.nchwc', type: op.slice(blockedPrefix.length) };
  return { domain: contributed.has(op) ? 'com.microsoft' : '', type: op };
}

export function inferTypes(op: OnnxOp, node: Signature): readonly TensorType[] {
  const rule: ShapeRule = shapeRules[op];
  return rule(node);
}
