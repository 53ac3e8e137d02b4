import * as moving from './movement-rules.js';
import * as computing from './shape-rules.js';
import { broadcasting, fail, input, unary, type ShapeRule, type Signature } from './shape-rules.js';
import type { DType, TensorType } from './types.js';

const numbers: readonly DType[] = ['float32', 'float16', 'int32', 'int64', 'uint32', 'uint8'];
const floatUnary = unary('float32', 'float16');
const arithmetic = broadcasting(numbers);
const comparison = broadcasting([...numbers, 'bool'], 'bool');
const logical = broadcasting(['bool']);

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
  ArgMax: computing.argReduction,
  ArgMin: computing.argReduction,
  Asin: floatUnary,
  Asinh: floatUnary,
  Atan: floatUnary,
  Atanh: floatUnary,
  AveragePool: computing.pooling,
  BatchNormalization: computing.batchNormalization,
  BitShift: broadcasting(['uint32']),
  BitwiseXor: broadcasting(['uint32', 'int32']),
  Cast: moving.cast,
  Ceil: floatUnary,
  Clip: computing.clip,
  Concat: moving.concat,
  Conv: computing.convolution,
  ConvTranspose: computing.transposedConvolution,
  Cos: floatUnary,
  Cosh: floatUnary,
  CumSum: unary(...numbers),
  Div: arithmetic,
  Elu: floatUnary,
  Equal: comparison,
  Erf: floatUnary,
  Exp: floatUnary,
  Expand: moving.expand,
  Floor: floatUnary,
  Gather: moving.gather,
  GatherND: moving.gatherNd,
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
  MatMul: computing.matrixProduct,
  Max: arithmetic,
  MaxPool: computing.pooling,
  Min: arithmetic,
  Mod: arithmetic,
  Mul: arithmetic,
  Neg: unary(...numbers),
  Not: unary('bool'),
  Or: logical,
  Pad: moving.pad,
  Pow: arithmetic,
  QuickGelu: floatUnary,
  Reciprocal: floatUnary,
  ReduceMax: computing.reduction,
  ReduceMean: computing.reduction,
  ReduceMin: computing.reduction,
  ReduceProd: computing.reduction,
  ReduceSum: computing.reduction,
  Relu: floatUnary,
  Reshape: moving.reshape,
  Resize: moving.resize,
  Round: floatUnary,
  ScatterElements: moving.scatter,
  Selu: floatUnary,
  Shape: moving.shapeOf,
  Sigmoid: floatUnary,
  Sign: unary(...numbers),
  Sin: floatUnary,
  Sinh: floatUnary,
  Slice: moving.slice,
  Softmax: floatUnary,
  Softplus: floatUnary,
  Split: moving.split,
  Sqrt: floatUnary,
  Sub: arithmetic,
  Tan: floatUnary,
  Tanh: floatUnary,
  Tile: moving.tile,
  TopK: moving.topK,
  Transpose: moving.transpose,
  Where: computing.where,
  Xor: logical,
  'nchwc.Conv': computing.convolution,
  'nchwc.GlobalAveragePool': computing.globalPool,
  'nchwc.ReorderInput': moving.reorderInput,
  'nchwc.ReorderOutput': moving.reorderOutput,
} satisfies Record<string, ShapeRule>;

export type OnnxOp = keyof typeof shapeRules;

const alike = (...ops: readonly string[]): Record<string, ShapeRule> =>
  Object.fromEntries(ops.map((op) => [op, (node) => [input(node, 0)]]));

/** Operators that the compiler does not emit, but that files of other programs hold, and quantized ones. */
const foreignRules: Readonly<Record<string, ShapeRule>> = {
  ...alike('Celu', 'Gelu', 'HardSwish', 'InstanceNormalization', 'LRN', 'LayerNormalization', 'Mish', 'PRelu'),
  ...alike('Softsign', 'ThresholdedRelu'),
  Constant: moving.constant,
  ConstantOfShape: moving.constantOfShape,
  DequantizeLinear: computing.dequantized,
  Dropout: computing.dropout,
  Flatten: moving.flatten,
  Gemm: computing.gemm,
  GlobalAveragePool: computing.globalPool,
  GlobalMaxPool: computing.globalPool,
  Mean: arithmetic,
  QuantizeLinear: computing.quantized,
  ReduceL2: computing.reduction,
  Squeeze: moving.squeeze,
  Sum: arithmetic,
  Unsqueeze: moving.unsqueeze,
};

/** Operators whose operands may change places. */
export const commutative: ReadonlySet<string> = new Set<OnnxOp>(['Add', 'Mul']);

const blockedPrefix = 'nchwc.';
const blockedDomain = 'com.microsoft.nchwc';
const contributedDomain = 'com.microsoft';
/** Operators of ONNX Runtime's own domain, which its CPU and GPU providers have. */
const contributed: ReadonlySet<string> = new Set<OnnxOp>(['QuickGelu']);

/** Domain and name under which the operator stands in an ONNX file. */
export function onnxName(op: string): { domain: string; type: string } {
  if (op.startsWith(blockedPrefix)) return { domain: blockedDomain, type: op.slice(blockedPrefix.length) };
  const colon = op.indexOf(':');
  if (colon >= 0) return { domain: op.slice(0, colon), type: op.slice(colon + 1) };
  return { domain: contributed.has(op) ? contributedDomain : '', type: op };
}

/** The operator that stands in a file under this domain and name: `domain:name` where the compiler does not know it. */
export function operatorOf(domain: string, type: string): string {
  if (domain === blockedDomain) return `${blockedPrefix}${type}`;
  if (domain === contributedDomain && contributed.has(type)) return type;
  const isStandard = (domain === '' || domain === 'ai.onnx') && !contributed.has(type);
  return isStandard ? type : `${domain}:${type}`;
}

const allRules = new Map<string, ShapeRule>([...Object.entries(shapeRules), ...Object.entries(foreignRules)]);
const noRule: ShapeRule = (node) => fail(node, 'no rule infers its types');

/** @throws Error naming the operator, where it is not known or its inputs do not fit. */
export function inferTypes(op: string, node: Signature): readonly TensorType[] {
  return (allRules.get(op) ?? noRule)(node);
}
