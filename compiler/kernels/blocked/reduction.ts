import type { OnnxOp } from '../../graph/index.js';
import { sameShape, sizeOf } from '../../graph/index.js';
import { Val } from '../../values/value.js';
import { multiply } from '../elementwise/binary.js';
import { numberLike } from '../elementwise/elementwise.js';
import { channelDots, channelSums, imageDots, imageMeans } from './sums.js';

/** Two images in blocks whose product `value` is. */
function factorsOf({ recipe, shape, builder }: Val): readonly [Val, Val] | null {
  if (recipe?.kind !== 'product' || builder.dynamicBatch !== null) return null;
  const { a, b } = recipe;
  const full = [a, b].every((factor) => factor.blockLayout !== null && sameShape(factor.shape, shape));
  return full ? [a, b] : null;
}

/**
 * Sums and means of images in blocks over pixels, [N, C], or over images and pixels, [C]; sums of products without the
 * product. Null for all others.
 */
export function blockedReduce(op: OnnxOp, x: Val, axes: readonly number[]): Val | null {
  const over = [...axes].sort().join();
  if ((op !== 'ReduceSum' && op !== 'ReduceMean') || (over !== '1,2' && over !== '0,1,2')) return null;
  if (x.blockLayout === null) return null;
  const perImage = over === '1,2';
  const count = sizeOf(axes.map((axis) => x.shape[axis]));
  const scaled = (value: Val, factor: number): Val => multiply(value, numberLike(value, factor));
  const factors = factorsOf(x);
  if (factors) {
    const dots = perImage ? imageDots(...factors) : channelDots(...factors);
    return scaled(dots, op === 'ReduceMean' ? 1 / count : 1);
  }
  if (perImage) return scaled(imageMeans(x), op === 'ReduceSum' ? count : 1);
  return scaled(channelSums(x), op === 'ReduceMean' ? 1 / count : 1);
}
