import { int, sizeOf, type GraphBuilder, type Shape } from '../../graph/index.js';
import { blocksOf, type BlockOrder } from '../../values/blocks.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes } from '../geometry.js';

/** All or some images of a value in the blocked layout, as convolutions read them. */
export interface Blocks {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly order: BlockOrder;
  readonly images: number;
  /** Index of the first image. */
  readonly first: number;
  /** Padded to whole blocks. */
  readonly channels: number;
  readonly image: readonly [number, number];
  readonly block: number;
}

/** The block order of a value; NCHWc for one that is not in blocks. */
export const orderOf = (value: Val): BlockOrder => value.blockLayout?.order ?? 'NCHWc';
export const partsOf = (value: Val): number => value.blockLayout?.parts ?? 1;

/** The value in blocks, in this many parts. */
export function inParts(value: Val, order: BlockOrder, parts: number): Blocks[] {
  const { builder, shape } = value;
  const block = builder.block ?? 1;
  const channels = blocksOf(shape[3], block) * block;
  const images = shape[0] / parts;
  const image = [shape[1], shape[2]] as const;
  return value
    .blockedForm(order, parts)
    .map((name, i) => ({ builder, name, order, images, first: i * images, channels, image, block }));
}

/** The whole value in blocks. */
export const inBlocks = (value: Val, order: BlockOrder = orderOf(value)): Blocks => inParts(value, order, 1)[0];

/** Applies `f` to corresponding parts of values with equally many images; the results are the parts of a value of `shape`. */
export function byParts(
  values: readonly Val[],
  order: BlockOrder,
  shape: Shape,
  f: (...parts: Blocks[]) => string,
  parts = Math.max(...values.map(partsOf)),
): Val {
  const all = values.map((value) => inParts(value, order, parts));
  const names = all[0].map((_, i) => f(...all.map((value) => value[i])));
  return Val.blocked(values[0].builder, names, shape, order);
}

/** Whether images with this many channels are worth padding to whole blocks. */
export const fillsBlocks = (builder: GraphBuilder, channels: number): boolean =>
  builder.block !== null && 2 * channels >= builder.block;

/** Bytes of a part that stays in a core's cache from one operator to the next. */
const cached = 2 ** 22;
const mostParts = 32;

/** Number of parts for a value of this shape; each part has a multiple of `images` images. */
export function partsFor(builder: GraphBuilder, [n, h, w, c]: Shape, images = 1): number {
  const { block, dynamicBatch } = builder;
  if (block === null || dynamicBatch !== null || !builder.uses('images in parts')) return 1;
  const bytes = 4 * n * h * w * blocksOf(c, block) * block;
  let parts = 1;
  while (
    bytes / parts > 1.5 * cached &&
    parts < mostParts &&
    n % (2 * parts * images) === 0 &&
    ((n / (2 * parts)) * h * w) % block === 0
  )
    parts *= 2;
  return parts;
}

/**
 * Applies `f` to the parts of x, in as many parts as suit the result: large results stay in parts, each of a multiple of
 * `images`; small ones are joined.
 */
export function fitting(x: Val, order: BlockOrder, shape: Shape, f: (part: Blocks) => string, images = 1): Val {
  const { builder } = x;
  const wanted = partsFor(builder, shape, images);
  const y = byParts([x], order, shape, f, Math.max(wanted, partsOf(x)));
  return wanted === 1 ? Val.blocked(builder, y.blockedForm(order, 1), shape, order) : y;
}

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
  const { builder, images, first, channels, block } = x;
  const groups = images * channels;
  if (typeof values === 'number')
    return builder.addConstant(new Float32Array(groups).fill(values), [groups], 'float32');
  const [all, , , real] = values.stored;
  const flat = builder.reshape(values.form(), [all, real]);
  const padded = real === channels ? flat : builder.emit('Pad', [flat, builder.integers([0, 0, 0, channels - real])]);
  const some = all === 1 || all === images ? padded : builder.slice(padded, [0], [first], [first + images]);
  const full = builder.expand(some, [images, channels]);
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

/** As `affine`, with one pass per operation. */
function affineInSteps(source: Blocks, pack: typeof imageVector, { scale, offset }: Affine, other?: Blocks): string {
  const { builder, name, order, images, channels, block } = source;
  const [rows, blocks] = [pack === imageVector ? images : 1, channels / block];
  const vector = (values: Vector): string =>
    builder.reshape(pack(source, values), [...(order === 'NCHWc' ? [rows, blocks] : [blocks, rows]), 1, 1, block]);
  const product = builder.emit('Mul', [name, vector(scale)]);
  const moved = offset === undefined ? product : builder.emit('Add', [product, vector(offset)]);
  return other ? builder.emit('Add', [moved, other.name]) : moved;
}

/** scale*x + offset + addend in one pass, as a depthwise convolution with a 1x1 kernel. */
export function affine(x: Val, map: Affine, order = orderOf(x)): Val {
  const { scale, offset, addend } = map;
  const perImage = isPerImage(scale) || isPerImage(offset);
  const pack = perImage ? imageVector : channelVector;
  return byParts(addend ? [x, addend] : [x], order, x.shape, (source, other?: Blocks) => {
    const { builder } = source;
    if (!builder.uses('affine maps')) return affineInSteps(source, pack, map, other);
    const shape = perImage ? imageView(source) : channelView(source);
    const group = shape[1];
    const inputs = [view(source, shape), builder.reshape(pack(source, scale), [group, 1, 1, 1])];
    if (offset !== undefined || other) inputs.push(offset === undefined ? '' : pack(source, offset));
    if (other) inputs.push(view(other, shape));
    return builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1], group }));
  });
}

/** Sums of tensors of one shape. */
export function sumOf(builder: GraphBuilder, names: readonly string[]): string {
  if (names.length === 1) return names[0];
  const rows = names.map((name) => builder.reshape(name, [1, ...builder.shapeOf(name)]));
  const all = builder.emit('Concat', rows, { axis: int(0) });
  return builder.emit('ReduceSum', [all, builder.integers([0])], { keepdims: int(0) });
}
