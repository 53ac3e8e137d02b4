import { sizeOf, type GraphBuilder, type Shape } from '../../graph/index.js';
import { blocksOf, type BlockOrder } from '../../values/blocks.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes } from '../geometry.js';

/** Images of a value in the blocked layout, as convolutions read them. */
export interface Blocks {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly order: BlockOrder;
  readonly images: number;
  /** Padded to whole blocks. */
  readonly channels: number;
  readonly image: readonly [number, number];
  readonly block: number;
}

/** The block order of a value; NCHWc for one that is not in blocks. */
export const orderOf = (value: Val): BlockOrder => value.blockOrder ?? 'NCHWc';

/** The value in blocks. */
export function inBlocks(value: Val, order: BlockOrder = orderOf(value)): Blocks {
  const { builder, shape } = value;
  const block = builder.block ?? 1;
  const channels = blocksOf(shape[3], block) * block;
  const image = [shape[1], shape[2]] as const;
  return { builder, name: value.blockedForm(order), order, images: shape[0], channels, image, block };
}

/** Applies `f` to values in blocks; the result is a value of `shape` in blocks. */
export const onBlocks = (
  values: readonly Val[],
  order: BlockOrder,
  shape: Shape,
  f: (...values: Blocks[]) => string,
): Val => Val.blocked(values[0].builder, f(...values.map((value) => inBlocks(value, order))), shape, order);

/** Whether images with this many channels are worth padding to whole blocks. */
export const fillsBlocks = (builder: GraphBuilder, channels: number): boolean =>
  builder.block !== null && 2 * channels >= builder.block;

/** Shorter rows are joined: each row costs a call. */
const longRow = 256;

/** Shape [n, C, rows, columns] in which a convolution sees each channel of all images under one weight. */
export function channelView({ order, images, channels, image }: Blocks): number[] {
  const area = sizeOf(image);
  if (order === 'NCHWc') return [images, channels, 1, area];
  let columns = area;
  while (columns < longRow && (images * area) % (columns * 2) === 0) columns *= 2;
  return [1, channels, (images * area) / columns, columns];
}

/** Shape [1, N*C, 1, H*W] in which a convolution sees each channel of each image under a weight of its own. */
export const imageView = ({ images, channels, image }: Blocks): number[] => [1, images * channels, 1, sizeOf(image)];

export const view = (x: Blocks, shape: Shape): string => x.builder.reshape(x.name, shape);

/** A vector over the channels [C], padded with zeros to whole blocks; a number stands for a constant vector. */
export function channelVector({ builder, channels }: Blocks, vector: Val | number): string {
  if (typeof vector === 'number')
    return builder.addConstant(new Float32Array(channels).fill(vector), [channels], 'float32');
  const missing = channels - vector.shape[0];
  const name = vector.fullForm();
  return missing === 0 ? name : builder.emit('Pad', [name, builder.integers([0, missing])]);
}

/** Values [N, 1, 1, C] of these images as a vector [n*C] in the order of `x`'s blocks. */
export function imageVector(x: Blocks, values: Val | number): string {
  const { builder, images, channels, block } = x;
  const groups = images * channels;
  if (typeof values === 'number')
    return builder.addConstant(new Float32Array(groups).fill(values), [groups], 'float32');
  const [all, , , real] = values.stored;
  const flat = builder.reshape(values.form(), [all, real]);
  const padded = real === channels ? flat : builder.emit('Pad', [flat, builder.integers([0, 0, 0, channels - real])]);
  const full = builder.expand(padded, [images, channels]);
  if (x.order === 'NCHWc') return builder.reshape(full, [groups]);
  const split = builder.reshape(full, [images, channels / block, block]);
  return builder.reshape(builder.transpose(split, [1, 0, 2]), [groups]);
}

/** A factor or offset: a number, a vector [C], or values [N, 1, 1, C] for each image. */
export type Vector = Val | number;

export interface Affine {
  readonly scale: Vector;
  readonly offset?: Vector;
  readonly addend?: Val;
}

const isPerImage = (vector: Vector | undefined): boolean => vector instanceof Val && vector.rank === 4;

/** scale*x + offset + addend in one pass, as a depthwise convolution with a 1x1 kernel. */
export function affine(x: Val, { scale, offset, addend }: Affine, order = orderOf(x)): Val {
  const perImage = isPerImage(scale) || isPerImage(offset);
  const pack = perImage ? imageVector : channelVector;
  return onBlocks(addend ? [x, addend] : [x], order, x.shape, (source, other?: Blocks) => {
    const { builder } = source;
    const shape = perImage ? imageView(source) : channelView(source);
    const group = shape[1];
    const inputs = [view(source, shape), builder.reshape(pack(source, scale), [group, 1, 1, 1])];
    if (offset !== undefined || other) inputs.push(offset === undefined ? '' : pack(source, offset));
    if (other) inputs.push(view(other, shape));
    return builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1], group }));
  });
}
