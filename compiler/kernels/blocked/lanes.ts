import type { Attribute, GraphBuilder } from '../../graph/index.js';
import { floats, int, sizeOf, string } from '../../graph/index.js';
import type { BlockOrder } from '../../trace/blocks.js';
import { blocksOf } from '../../trace/blocks.js';
import { Val } from '../../trace/value.js';
import { multiply } from '../elementwise/binary.js';
import { numberLike } from '../elementwise/elementwise.js';
import { convolutionAttributes } from '../convolution/geometry.js';

/** Images in the blocked layout, as convolutions read them. */
export interface Blocks {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly order: BlockOrder;
  readonly images: number;
  /** Whole blocks of channels. */
  readonly channels: number;
  readonly image: readonly [number, number];
  readonly block: number;
}

/** A value in blocks, in the order in which it is there unless another is asked for. */
export function inBlocks(value: Val, order: BlockOrder = value.blockOrder ?? 'NCHWc'): Blocks {
  const { builder, shape } = value;
  const block = builder.block ?? 1;
  const name = value.blockedForm(order);
  const channels = blocksOf(shape[3], block) * block;
  return { builder, name, order, images: shape[0], channels, image: [shape[1], shape[2]], block };
}

/** Whether images with this many channels are worth the padding to whole blocks. */
export const fillsBlocks = (builder: GraphBuilder, channels: number): boolean =>
  builder.block !== null && 2 * channels >= builder.block;

/** Rows shorter than this are joined: each costs a call. */
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

const view = (x: Blocks, shape: readonly number[]): string => x.builder.reshape(x.name, shape);

/** An activation that ONNX Runtime applies to the output of a convolution. */
export interface FusedActivation {
  readonly type: 'Relu' | 'Clip' | 'LeakyRelu' | 'HardSigmoid' | 'Sigmoid' | 'Tanh';
  readonly parameters?: readonly number[];
}
export const activationAttributes = ({ type, parameters }: FusedActivation): Record<string, Attribute> => ({
  activation: string(type),
  ...(parameters && { activation_params: floats(parameters) }),
});

/** A vector over the channels [C], padded with zeros to whole blocks. */
export function channelVector(x: Blocks, vector: Val): string {
  const missing = x.channels - vector.shape[0];
  const name = vector.fullForm();
  return missing === 0 ? name : x.builder.emit('Pad', [name, x.builder.integers([0, missing])]);
}

/** Values [N, 1, 1, C] for each channel of each image, as the vector [N*C] in the order of `x`'s blocks. */
export function imageVector(x: Blocks, values: Val): string {
  const { builder, images, channels, block } = x;
  const real = values.shape[3];
  const flat = builder.reshape(values.form(), [values.stored[0], real]);
  const padded = real === channels ? flat : builder.emit('Pad', [flat, builder.integers([0, 0, 0, channels - real])]);
  const all = values.stored[0] === images ? padded : builder.expand(padded, [images, channels]);
  if (x.order === 'NCHWc') return builder.reshape(all, [images * channels]);
  const split = builder.reshape(all, [images, channels / block, block]);
  return builder.reshape(builder.transpose(split, [1, 0, 2]), [images * channels]);
}

/** Numbers [N*C] in the order of `x`'s blocks as the value [N, C], with the padding cut off. */
export function imageValues(x: Blocks, name: string, channels: number): Val {
  const { builder, images, block } = x;
  const order = builder.transpose(builder.reshape(name, [x.channels / block, images, block]), [1, 0, 2]);
  const flat = builder.reshape(x.order === 'NCHWc' ? name : order, [images, x.channels]);
  const real = x.channels === channels ? flat : builder.slice(flat, [1], [0], [channels]);
  return Val.of(builder, real, [images, channels], 'float32');
}

/** Numbers [N*C] in the order of `x`'s blocks, summed over the images: the value [C]. */
function overImages(x: Blocks, name: string, channels: number): Val {
  const { builder, images, block } = x;
  const shape = x.order === 'NCHWc' ? [images, x.channels] : [x.channels / block, images, block];
  const axis = x.order === 'NCHWc' ? 0 : 1;
  const sum = builder.emit('ReduceSum', [builder.reshape(name, shape), builder.integers([axis])], { keepdims: int(0) });
  const flat = builder.reshape(sum, [x.channels]);
  const real = x.channels === channels ? flat : builder.slice(flat, [0], [0], [channels]);
  return Val.of(builder, real, [channels], 'float32');
}

const times = (value: Val, factor: number): Val => multiply(value, numberLike(value, factor));

/** Means over the pixels of each image, one a channel: numbers [N*C]. */
const pixelMeans = (x: Blocks): string => {
  const shape = x.order === 'NCHWc' ? [x.images, x.channels, ...x.image] : imageView(x);
  return x.builder.emit('nchwc.GlobalAveragePool', [view(x, shape)]);
};

/** Sums over the pixels of x*y, one for each channel of each image: y is the filter of a convolution with one output. */
function pixelDots(x: Blocks, y: Blocks): string {
  const [, group, , area] = imageView(x);
  const filter = view(y, [group, 1, 1, area]);
  return x.builder.emit(
    'nchwc.Conv',
    [view(x, imageView(x)), filter],
    convolutionAttributes({ kernel: [1, area], group }),
  );
}

/** Sums over pixels: [N, C] for each image, or [C] over all images. */
export const imageMeans = (x: Blocks, channels: number): Val => imageValues(x, pixelMeans(x), channels);
export const imageDots = (x: Blocks, y: Blocks, channels: number): Val => imageValues(x, pixelDots(x, y), channels);
export const channelSums = (x: Blocks, channels: number): Val =>
  times(overImages(x, pixelMeans(x), channels), sizeOf(x.image));
export const channelDots = (x: Blocks, y: Blocks, channels: number): Val => overImages(x, pixelDots(x, y), channels);

export interface Affine {
  /** Factor of each channel (of each image when `perImage`), in the order of the blocks. */
  readonly scale: string;
  readonly offset?: string;
  readonly addend?: Blocks;
  readonly activation?: FusedActivation;
  readonly perImage?: boolean;
}

/** activation(scale*x + offset + addend) in one pass, as a depthwise convolution with a 1x1 kernel. */
export function affine(x: Blocks, { scale, offset, addend, activation, perImage = false }: Affine): string {
  const { builder } = x;
  const shape = perImage ? imageView(x) : channelView(x);
  const group = shape[1];
  const inputs = [view(x, shape), builder.reshape(scale, [group, 1, 1, 1])];
  if (offset !== undefined || addend) inputs.push(offset === undefined ? '' : builder.reshape(offset, [group]));
  if (addend) inputs.push(view(addend, shape));
  return builder.emit('nchwc.Conv', inputs, {
    ...convolutionAttributes({ kernel: [1, 1], group }),
    ...(activation && activationAttributes(activation)),
  });
}

/** The vector over `x`'s channels that holds one number. */
export const uniformVector = (x: Blocks, number: number): string =>
  x.builder.addConstant(new Float32Array(x.channels).fill(number), [x.channels], 'float32');
