import type { NodeProto } from 'onnx-buf';

/** How an operator multiplies and accumulates. */
export interface Product {
  /** Numbers that are multiplied: of the type of what flows in, or bytes whatever flows in. */
  readonly multiplies: 'operands' | 'bytes';
  /** Which input holds the weights. */
  readonly weights: number;
  /** Multiply-accumulates for each value of the output, given the weights' extents. */
  readonly depth: (weights: readonly number[], node: NodeProto) => number;
}

const attribute = ({ attribute: all }: NodeProto, name: string): number =>
  Number(all.find((each) => each.name === name)?.i ?? 0);

/** Filters are [out, in / groups, height, width]. */
const convolution: Product['depth'] = (weights) => weights.slice(1).reduce((a, b) => a * b, 1);
/** Matrices are [..., rows, columns]. */
const matrix: Product['depth'] = (weights) => weights.at(-2) ?? 1;
const gemm: Product['depth'] = (weights, node) => weights.at(attribute(node, 'transB') === 0 ? -2 : -1) ?? 1;

const floatConvolution: Product = { multiplies: 'operands', weights: 1, depth: convolution };
const floatMatrix: Product = { multiplies: 'operands', weights: 1, depth: matrix };
const floatGemm: Product = { multiplies: 'operands', weights: 1, depth: gemm };
const byteMatrix: Product = { multiplies: 'bytes', weights: 1, depth: matrix };

/**
 * The operators of ONNX and of ONNX Runtime that multiply and accumulate, by what they multiply. Domains do not tell any
 * apart: those of one name compute the same in other layouts.
 */
const products: Readonly<Record<string, Product>> = {
  Conv: floatConvolution,
  FusedConv: floatConvolution,
  NhwcFusedConv: floatConvolution,
  // Filters are [in, out / groups, height, width]; strides make each value of the output of fewer.
  ConvTranspose: { multiplies: 'operands', weights: 1, depth: (weights) => weights[0] },
  MatMul: floatMatrix,
  FusedMatMul: floatMatrix,
  Gemm: floatGemm,
  FusedGemm: floatGemm,
  // Weights of few bits are unpacked, and multiplied as floats.
  MatMulNBits: { multiplies: 'operands', weights: 1, depth: (_, node) => attribute(node, 'K') },
  QLinearConv: { multiplies: 'bytes', weights: 3, depth: convolution },
  ConvInteger: { multiplies: 'bytes', weights: 1, depth: convolution },
  QLinearMatMul: { multiplies: 'bytes', weights: 3, depth: matrix },
  QGemm: { multiplies: 'bytes', weights: 3, depth: gemm },
  MatMulInteger: byteMatrix,
  MatMulIntegerToFloat: byteMatrix,
  DynamicQuantizeMatMul: byteMatrix,
};

/** How an operator multiplies and accumulates; undefined for one that does not. */
export const productOf = (operator: string): Product | undefined =>
  Object.hasOwn(products, operator) ? products[operator] : undefined;

/** Operators that convert or move values, or change their shape: none of them computes. */
export const movers: ReadonlySet<string> = new Set([
  'Cast',
  'Concat',
  'DequantizeLinear',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'MemcpyFromHost',
  'MemcpyToHost',
  'QuantizeLinear',
  'ReorderInput',
  'ReorderOutput',
  'Reshape',
  'Shape',
  'Slice',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);
