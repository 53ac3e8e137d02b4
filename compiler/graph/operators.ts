import * as moving from './movement-rules.js';
import * as computing from './shape-rules.js';
import { broadcasting, fail, input, unary, type ShapeRule, type Signature } from './shape-rules.js';
import type { DType, TensorType } from './types.js';

const numbers: readonly DType[] = ['float32', 'float16', 'int32', 'int64', 'uint32', 'uint8'];
const floatUnary = unary('float32', 'float16');
const arithmetic = broadcasting(numbers);
const comparison = broadcasting([...numbers, 'bool'], 'bool');
const logical = broadcasting(['bool']);
const numeric = unary(...numbers);

/** Rows of a table with the same entry for several operators. */
export const rowsOf = <const Op extends string, Row>(row: Row, ...ops: readonly Op[]): Record<Op, Row> =>
  Object.fromEntries(ops.map((op) => [op, row])) as Record<Op, Row>;

/**
 * Every ONNX operator that the compiler emits, with the rule that infers its outputs. Names are those of the default
 * domain; `nchwc.X` is X of ONNX Runtime's internal blocked-layout domain.
 */
export const shapeRules = {
  ...rowsOf(floatUnary, 'Ceil', 'Cos', 'Elu', 'Erf', 'Exp', 'Floor', 'HardSigmoid', 'LeakyRelu', 'Log', 'LogSoftmax'),
  ...rowsOf(floatUnary, 'QuickGelu', 'Reciprocal', 'Relu', 'Round', 'Selu', 'Sigmoid', 'Sin', 'Softmax', 'Softplus'),
  ...rowsOf(floatUnary, 'Sqrt', 'Tanh'),
  ...rowsOf(arithmetic, 'Add', 'Div', 'Max', 'Min', 'Mul', 'Pow', 'Sub'),
  ...rowsOf(logical, 'And', 'Or'),
  ...rowsOf(comparison, 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'),
  ...rowsOf(computing.reduction, 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSum'),
  ArgMax: computing.argReduction,
  ArgMin: computing.argReduction,
  AveragePool: computing.pooling,
  MaxPool: computing.pooling,
  BatchNormalization: computing.batchNormalization,
  Cast: moving.cast,
  Clip: computing.clip,
  Concat: moving.concat,
  Conv: computing.convolution,
  'nchwc.Conv': computing.convolution,
  ConvTranspose: computing.transposedConvolution,
  Expand: moving.expand,
  Gather: moving.gather,
  MatMul: computing.matrixProduct,
  Not: unary('bool'),
  Pad: moving.pad,
  Reshape: moving.reshape,
  Resize: moving.resize,
  ScatterElements: moving.scatter,
  Shape: moving.shapeOf,
  Slice: moving.slice,
  Split: moving.split,
  Tile: moving.tile,
  TopK: moving.topK,
  Transpose: moving.transpose,
  Where: computing.where,
  'nchwc.GlobalAveragePool': computing.globalPool,
  'nchwc.ReorderInput': moving.reorderInput,
  'nchwc.ReorderOutput': moving.reorderOutput,
  Abs: numeric,
  BitShift: broadcasting(['uint32']),
  BitwiseXor: broadcasting(['uint32', 'int32']),
  Identity: unary(...numbers, 'bool'),
  Neg: numeric,
  Sign: numeric,
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
