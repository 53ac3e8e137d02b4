import { type GraphBuilder, int, type OnnxOp, sameShape, sizeOf } from '../../graph/index.js';
import { Val } from '../../values/value.js';
import { multiply } from '../elementwise/binary.js';
import { numberLike } from '../elementwise/elementwise.js';
import { convolutionAttributes } from '../geometry.js';
import { type Blocks, imageView, inBlocks, orderOf, view } from '../blocked/in-blocks.js';

/** The numbers [n*C] in the order of the blocks. */
function byBlock({ builder, order, images, channels, block }: Blocks, numbers: string): string {
  const blocks = channels / block;
  return builder.reshape(numbers, order === 'NCHWc' ? [images, blocks, block] : [blocks, images, block]);
}

/** The numbers as a value [N, C], without the padding. */
function imageValues({ builder, shape }: Val, { order, channels }: Blocks, numbers: string): Val {
  const byImage = order === 'NCHWc' ? numbers : builder.transpose(numbers, [1, 0, 2]);
  const flat = builder.reshape(byImage, [shape[0], channels]);
  const real = channels === shape[3] ? flat : builder.slice(flat, [1], [0], [shape[3]]);
  return Val.of(builder, real, [shape[0], shape[3]], 'float32');
}

/** The sum over the images, a value [C], without the padding. */
function overImages({ builder, shape }: Val, { order, channels }: Blocks, numbers: string): Val {
  const axis = builder.integers([order === 'NCHWc' ? 0 : 1]);
  const sum = builder.reshape(builder.emit('ReduceSum', [numbers, axis], { keepdims: int(0) }), [channels]);
  const real = channels === shape[3] ? sum : builder.slice(sum, [0], [0], [shape[3]]);
  return Val.of(builder, real, [shape[3]], 'float32');
}

type Finish = (value: Val, blocks: Blocks, numbers: string) => Val;

/** Means over the pixels, per image and channel. */
function means(x: Val, finish: Finish): Val {
  const blocks = inBlocks(x);
  const shape = blocks.order === 'NCHWc' ? [blocks.images, blocks.channels, ...blocks.image] : imageView(blocks);
  return finish(x, blocks, byBlock(blocks, x.builder.emit('nchwc.GlobalAveragePool', [view(blocks, shape)])));
}

/** Sums over the pixels of x*y, per image and channel: y is the filter of a convolution with one output pixel. */
function dots(x: Val, y: Val, finish: Finish): Val {
  const { builder } = x;
  const order = orderOf(x);
  const blocks = inBlocks(x, order);
  const [, group, , area] = imageView(blocks);
  const filter = view(inBlocks(y, order), [group, 1, 1, area]);
  const attributes = convolutionAttributes({ kernel: [1, area], group });
  return finish(
    x,
    blocks,
    byBlock(blocks, builder.emit('nchwc.Conv', [view(blocks, imageView(blocks)), filter], attributes)),
  );
}

const times = (value: Val, factor: number): Val => multiply(value, numberLike(value, factor));

/** Means of x, and sums of x*y, over the pixels of each image: [N, C]. */
const imageMeans = (x: Val): Val => means(x, imageValues);
const imageDots = (x: Val, y: Val): Val => dots(x, y, imageValues);
/** Sums of x, and of x*y, over all images and pixels: [C]. */
export const channelSums = (x: Val): Val => times(means(x, overImages), sizeOf(x.shape.slice(1, 3)));
export const channelDots = (x: Val, y: Val): Val => dots(x, y, overImages);

/** The factors of a value that is the product of two values in blocks; null for others. */
function factorsOf({ recipe, shape, builder }: Val): readonly [Val, Val] | null {
  if (recipe?.kind !== 'product' || builder.dynamicBatch !== null) return null;
  const { a, b } = recipe;
  const full = [a, b].every((factor) => factor.blockOrder !== null && sameShape(factor.shape, shape));
  return full ? [a, b] : null;
}

/**
 * Sums and means of images in blocks, over pixels [N, C] or over images and pixels [C]. The sum of a product is computed
 * without the product. Null for other reductions.
 */
export function blockedReduce(op: OnnxOp, x: Val, axes: readonly number[]): Val | null {
  const over = [...axes].sort().join();
  if ((op !== 'ReduceSum' && op !== 'ReduceMean') || (over !== '1,2' && over !== '0,1,2')) return null;
  if (x.blockOrder === null) return null;
  const perImage = over === '1,2';
  const count = sizeOf(axes.map((axis) => x.shape[axis]));
  const factors = factorsOf(x);
  if (factors) {
    const totals = perImage ? imageDots(...factors) : channelDots(...factors);
    return times(totals, op === 'ReduceMean' ? 1 / count : 1);
  }
  if (perImage) return times(imageMeans(x), op === 'ReduceSum' ? count : 1);
  return times(channelSums(x), op === 'ReduceMean' ? 1 / count : 1);
}

/** The top left corner of a matrix. */
function corner(builder: GraphBuilder, name: string, rows: number, columns: number): string {
  const [height, width] = builder.shapeOf(name);
  return height === rows && width === columns ? name : builder.slice(name, [0, 1], [0, 0], [rows, columns]);
}

const pixelsOf = (x: Blocks): number => x.images * sizeOf(x.image);

/** The matrix [a's channels, b's channels] of sums over all images and pixels of a * b. */
export const channelProducts = (a: Val, b: Val): string =>
  corner(a.builder, outerProduct(inBlocks(a, 'CNHWc'), inBlocks(b, 'CNHWc')), a.shape[3], b.shape[3]);

/**
 * The matrix [rows, columns] of sums over all pixels of row channel times column channel, both CNHWc. The columns' tensor
 * [C/b, P, b] already is a filter of P input channels; transposing tiles of b pixels and b channels makes the rows'
 * tensor its input.
 */
function outerProduct(rows: Blocks, columns: Blocks): string {
  const { builder, block } = rows;
  const pixels = pixelsOf(rows);
  const tiles = (rows.channels * pixels) / (block * block);
  const turned = builder.emit('nchwc.ReorderOutput', [builder.reshape(rows.name, [tiles, block, block, 1])], {
    channels: int(block),
    channels_last: int(0),
  });
  const source = builder.reshape(turned, [rows.channels / block, pixels, block, 1]);
  const filter = builder.reshape(columns.name, [columns.channels, pixels, 1, 1]);
  const sums = builder.emit('nchwc.Conv', [source, filter], convolutionAttributes({ kernel: [1, 1] }));
  const split = builder.reshape(sums, [rows.channels / block, columns.channels / block, block, block]);
  return builder.reshape(builder.transpose(split, [0, 2, 1, 3]), [rows.channels, columns.channels]);
}

/** Whether `channelProducts` can run over these pixels. */
export const hasOuterProduct = (builder: GraphBuilder, images: number, image: readonly number[]): boolean =>
  builder.block !== null && builder.dynamicBatch === null && (images * sizeOf(image)) % builder.block === 0;
