import { type GraphBuilder, int, sizeOf } from '../../graph/index.js';
import { OIHW } from '../../values/layout.js';
import { type FoldedGradient, Val } from '../../values/value.js';
import { multiply } from '../elementwise/binary.js';
import { elementwise, numberLike } from '../elementwise/elementwise.js';
import { channelProducts, channelSums, hasOuterProduct } from './sums.js';
import { pointwise } from '../blocked/full.js';

/**
 * A widening 1x1 convolution W followed by batch normalisation, without the wide tensor y = W x in between. With
 * n pixels, m = mean(x) and the covariance S = x x^T/n - m m^T (a small matrix), the statistics of y are
 *
 *   mean(y) = W m,   var(y) = rowsum((W S) * W),
 *
 * so that normalisation folds into the weights also in training. Backwards, from the gradient d of the output, with
 * M = d x^T, s = sum(d), Mc = M - s m^T, a = gamma/deviation, b and c as in `batchNormGradient`:
 *
 *   dgamma = rowsum(W * Mc)/deviation,   dW = a*(Mc + b*n*W S),
 *   dx = (a W)^T d + (W^T diag(a b) W) x + (a W)^T c.
 */
export interface Covariance {
  readonly x: Val;
  /** W as [co, ci]. */
  readonly weights: string;
  /** m as [ci]. */
  readonly mean: string;
  /** W S as [co, ci]. */
  readonly spread: string;
  readonly count: number;
}

const column = (builder: GraphBuilder, vector: string): string =>
  builder.reshape(vector, [sizeOf(builder.shapeOf(vector)), 1]);
const row = (builder: GraphBuilder, vector: string): string =>
  builder.reshape(vector, [1, sizeOf(builder.shapeOf(vector))]);
const sumOfRows = (builder: GraphBuilder, matrix: string): string =>
  builder.emit('ReduceSum', [matrix, builder.integers([1])], { keepdims: int(0) });
const turned = (builder: GraphBuilder, matrix: string): string => builder.transpose(matrix, [1, 0]);

/** Least ratio of output to input channels at which the covariance is cheaper than the wide tensor. */
const widening = 2;

/** The covariance behind a widening 1x1 convolution in blocks; null for other values. */
export function covarianceOf(y: Val): Covariance | null {
  const { recipe, builder } = y;
  if (recipe?.kind !== 'pointwise') return null;
  const { x, filter } = recipe;
  const [inputs, outputs] = [x.shape[3], y.shape[3]];
  if (inputs * widening > outputs || !hasOuterProduct(builder, x.shape[0], x.shape.slice(1, 3))) return null;
  const count = sizeOf(x.shape.slice(0, 3));
  const share = builder.scalar(1 / count);
  const weights = builder.reshape(filter.fullForm(OIHW), [outputs, inputs]);
  const mean = multiply(channelSums(x), Val.fill(builder, 1 / count, [], 'float32')).fullForm();
  const squares = builder.emit('Mul', [channelProducts(x, x), share]);
  const means = builder.emit('Mul', [column(builder, mean), row(builder, mean)]);
  const spread = builder.emit('MatMul', [weights, builder.emit('Sub', [squares, means])]);
  return { x, weights, mean, spread, count };
}

/** Mean and variance of y over images and pixels. */
export function statisticsOf(y: Val, { weights, mean, spread }: Covariance): readonly [Val, Val] {
  const { builder } = y;
  const channels = y.shape[3];
  const vector = (name: string): Val => Val.of(builder, builder.reshape(name, [channels]), [channels], 'float32');
  const means = vector(builder.emit('MatMul', [weights, column(builder, mean)]));
  const variance = vector(sumOfRows(builder, builder.emit('Mul', [spread, weights])));
  return [means, elementwise('Relu', [variance])];
}

/** scale*y + offset, folded into the convolution. */
export function foldedOutput(y: Val, { x, weights }: Covariance, scale: Val, offset: Val): Val {
  const { builder } = y;
  const scaled = builder.emit('Mul', [weights, column(builder, scale.fullForm())]);
  const filter = builder.reshape(scaled, [...builder.shapeOf(weights), 1, 1]);
  return pointwise(x, filter, 'CNHWc', offset);
}

/** d x^T - s m^T as [co, ci]. */
function centredProduct(d: Val, sum: Val, { x, mean }: Covariance): string {
  const { builder } = d;
  const product = channelProducts(x, d);
  const means = builder.emit('Mul', [column(builder, sum.fullForm()), row(builder, mean)]);
  return builder.emit('Sub', [turned(builder, product), means]);
}

/** Sum over images and pixels of d * (y - mean(y)), and the matrix it was computed from. */
export function centredDots(
  d: Val,
  sum: Val,
  covariance: Covariance,
): { readonly dots: Val; readonly product: string } {
  const { builder } = d;
  const product = centredProduct(d, sum, covariance);
  const dots = sumOfRows(builder, builder.emit('Mul', [covariance.weights, product]));
  return { dots: Val.of(builder, dots, [d.shape[3]], 'float32'), product };
}

interface NormGradient {
  /** d, the gradient of the normalised output. */
  readonly d: Val;
  readonly a: Val;
  readonly b: Val;
  readonly c: Val;
  readonly product: string;
}

/** The gradients of the convolution's input and filter, computed from the gradient of the normalised output. */
export const foldedGradient = (covariance: Covariance, { d, a, b, c, product }: NormGradient): FoldedGradient => {
  const { builder } = d;
  const { x, weights, spread, count } = covariance;
  const [outputs, inputs] = builder.shapeOf(weights);
  const factor = column(builder, a.fullForm());
  return {
    filter: () => {
      const share = multiply(b, numberLike(b, count)).fullForm();
      const part = builder.emit('Mul', [spread, column(builder, share)]);
      const gradient = builder.emit('Mul', [builder.emit('Add', [product, part]), factor]);
      const stored = builder.reshape(gradient, [outputs, inputs, 1, 1]);
      return Val.of(builder, stored, [1, 1, inputs, outputs], 'float32', OIHW);
    },
    input: () => {
      const scaled = turned(builder, builder.emit('Mul', [weights, factor]));
      const square = builder.emit('MatMul', [scaled, builder.emit('Mul', [weights, column(builder, b.fullForm())])]);
      const bias = builder.reshape(builder.emit('MatMul', [scaled, column(builder, c.fullForm())]), [inputs]);
      const offset = Val.of(builder, bias, [inputs], 'float32');
      const own = pointwise(x, builder.reshape(square, [inputs, inputs, 1, 1]), 'CNHWc', offset);
      return elementwise('Add', [pointwise(d, builder.reshape(scaled, [inputs, outputs, 1, 1]), 'CNHWc'), own]);
    },
  };
};
