import { int, sizeOf } from '../../graph/index.js';
import { joinImages } from '../../values/blocks.js';
import { Val } from '../../values/value.js';
import { multiply } from '../elementwise/binary.js';
import { numberLike } from '../elementwise/elementwise.js';
import { convolutionAttributes } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { imageView, inParts, orderOf, partsOf, view } from './lanes.js';

/** Numbers [n*C] of the images of each part, in the order of their blocks: all of them with a unit axis for pixels. */
function joined(parts: readonly Blocks[], names: readonly string[]): string {
  const [{ builder, order, images, channels, block }] = parts;
  const blocks = channels / block;
  const shape = order === 'NCHWc' ? [images, blocks, block] : [blocks, images, block];
  return joinImages(
    builder,
    names.map((name) => builder.reshape(name, shape)),
    order,
  );
}

/** As the value [N, C], the padding cut off. */
function imageValues({ builder, shape }: Val, { order, channels }: Blocks, numbers: string): Val {
  const byImage = order === 'NCHWc' ? numbers : builder.transpose(numbers, [1, 0, 2]);
  const flat = builder.reshape(byImage, [shape[0], channels]);
  const real = channels === shape[3] ? flat : builder.slice(flat, [1], [0], [shape[3]]);
  return Val.of(builder, real, [shape[0], shape[3]], 'float32');
}

/** Summed over the images: the value [C], the padding cut off. */
function overImages({ builder, shape }: Val, { order, channels }: Blocks, numbers: string): Val {
  const axis = builder.integers([order === 'NCHWc' ? 0 : 1]);
  const sum = builder.reshape(builder.emit('ReduceSum', [numbers, axis], { keepdims: int(0) }), [channels]);
  const real = channels === shape[3] ? sum : builder.slice(sum, [0], [0], [shape[3]]);
  return Val.of(builder, real, [shape[3]], 'float32');
}

type Finish = (value: Val, first: Blocks, numbers: string) => Val;

/** Means over the pixels of each image, one a channel. */
function means(x: Val, finish: Finish): Val {
  const parts = inParts(x, orderOf(x), partsOf(x));
  const each = parts.map((part) => {
    const shape = part.order === 'NCHWc' ? [part.images, part.channels, ...part.image] : imageView(part);
    return part.builder.emit('nchwc.GlobalAveragePool', [view(part, shape)]);
  });
  return finish(x, parts[0], joined(parts, each));
}

/** Sums over the pixels of x*y, one for each channel of each image: y is the filter of a convolution with one output. */
function dots(x: Val, y: Val, finish: Finish): Val {
  if (!x.builder.uses('sums over pixels')) return times(means(multiply(x, y), finish), sizeOf(x.shape.slice(1, 3)));
  const [order, count] = [orderOf(x), Math.max(partsOf(x), partsOf(y))];
  const [parts, others] = [inParts(x, order, count), inParts(y, order, count)];
  const each = parts.map((part, i) => {
    const [, group, , area] = imageView(part);
    const filter = view(others[i], [group, 1, 1, area]);
    const attributes = convolutionAttributes({ kernel: [1, area], group });
    return part.builder.emit('nchwc.Conv', [view(part, imageView(part)), filter], attributes);
  });
  return finish(x, parts[0], joined(parts, each));
}

const times = (value: Val, factor: number): Val => multiply(value, numberLike(value, factor));

/** Means of x, and sums of x*y, over the pixels of each image: [N, C]. */
export const imageMeans = (x: Val): Val => means(x, imageValues);
export const imageDots = (x: Val, y: Val): Val => dots(x, y, imageValues);
/** Sums of x, and of x*y, over all images and pixels: [C]. */
export const channelSums = (x: Val): Val => times(means(x, overImages), sizeOf(x.shape.slice(1, 3)));
export const channelDots = (x: Val, y: Val): Val => dots(x, y, overImages);
