import { int, sizeOf, type GraphBuilder, type Shape } from '../../graph/index.js';
import { blocksOf } from '../../values/blocks.js';

const blockOf = (builder: GraphBuilder): number => builder.block ?? 1;
const whole = (builder: GraphBuilder, channels: number): number =>
  blocksOf(channels, blockOf(builder)) * blockOf(builder);

/** Pads the first axes with zeros to these sizes. */
function padded(builder: GraphBuilder, name: string, sizes: readonly number[]): string {
  const shape = builder.shapeOf(name);
  const missing = shape.map((d, i) => (sizes[i] ?? d) - d);
  if (missing.every((d) => d === 0)) return name;
  return builder.emit('Pad', [name, builder.integers([...shape.map(() => 0), ...missing])]);
}

/** [1, C, h, w] in blocks of channels. ONNX Runtime's reordering of images is its fastest transposition. */
const inBlocksOfChannels = (builder: GraphBuilder, name: string, shape: Shape): string =>
  builder.emit('nchwc.ReorderInput', [builder.reshape(name, shape)], { channels_last: int(0) });

/** Packs a 1x1 filter [co, ci, 1, 1] for blocked convolutions: [co/b, ci/b, b inputs, b outputs]. */
export function packMatrix(builder: GraphBuilder, name: string): string {
  const [co, ci] = builder.shapeOf(name);
  const [outputs, sources] = [whole(builder, co), whole(builder, ci)];
  const all = inBlocksOfChannels(builder, padded(builder, name, [outputs, sources]), [1, outputs, sources, 1]);
  return builder.reshape(all, [outputs, sources, 1, 1]);
}

/**
 * Packs a filter [kh, kw, ci, co] for blocked convolutions, channels padded to whole blocks:
 * [co/b, ci/b, kh, kw, b inputs, b outputs].
 */
export function packFilter(builder: GraphBuilder, name: string): string {
  const block = blockOf(builder);
  const [height, width, ci, co] = builder.shapeOf(name);
  const [outputs, sources] = [whole(builder, co), whole(builder, ci)];
  const all = padded(builder, name, [height, width, sources, outputs]);
  const split = builder.reshape(all, [height * width, sources / block, block, outputs / block, block]);
  return builder.reshape(builder.transpose(split, [3, 1, 0, 2, 4]), [outputs, sources, height, width]);
}

/** The same for NCHW inputs with few channels: [co/b, ci, kh, kw, b outputs]. */
export function packForPlain(builder: GraphBuilder, name: string): string {
  const block = blockOf(builder);
  const [height, width, ci, co] = builder.shapeOf(name);
  const outputs = whole(builder, co);
  const all = padded(builder, name, [height, width, ci, outputs]);
  const split = builder.reshape(all, [height * width, ci, outputs / block, block]);
  return builder.reshape(builder.transpose(split, [2, 1, 0, 3]), [outputs, ci, height, width]);
}

/** Exchanges inputs and outputs of a packed filter: [ci/b, co/b, kh, kw, b outputs * b inputs]. */
export function exchanged(builder: GraphBuilder, packed: string): string {
  const block = blockOf(builder);
  const [outputs, sources, height, width] = builder.shapeOf(packed);
  const blocks = [outputs / block, sources / block];
  // Tiles of b inputs and b outputs are transposed as if they were images.
  const tiles = builder.reshape(packed, [blocks[0] * blocks[1] * height * width, block, block, 1]);
  const turned = builder.emit('nchwc.ReorderOutput', [tiles], { channels: int(block), channels_last: int(0) });
  const split = builder.reshape(turned, [...blocks, height * width * block * block]);
  return builder.reshape(builder.transpose(split, [1, 0, 2]), [blocks[1], blocks[0], height, width, block * block]);
}

/** Reverses the cells of an `exchanged` filter: a packed filter again. */
export function backwards(builder: GraphBuilder, name: string): string {
  const block = blockOf(builder);
  const [sources, outputs, height, width] = builder.shapeOf(name);
  return builder.reshape(flipped(builder, name), [sources * block, outputs * block, height, width]);
}

/** Packs a 1x1 filter [co, ci, 1, 1] for the transposed convolution: [ci, co, 1, 1]. */
export function packTransposed(builder: GraphBuilder, name: string): string {
  const [co, ci] = builder.shapeOf(name);
  const [outputs, sources] = [whole(builder, ci), whole(builder, co)];
  const matrix = builder.reshape(padded(builder, name, [sources, outputs]), [1, sources, 1, outputs]);
  const packed = builder.emit('nchwc.ReorderInput', [matrix], { channels_last: int(1) });
  return builder.reshape(packed, [outputs, sources, 1, 1]);
}

/** Packs a depthwise filter [C, 1, kh, kw] as [C/b, kh*kw, b], channels padded to whole blocks. */
export function packDepthwise(builder: GraphBuilder, name: string): string {
  const block = blockOf(builder);
  const [channels, , ...kernel] = builder.shapeOf(name);
  const all = whole(builder, channels);
  const packed = inBlocksOfChannels(builder, padded(builder, name, [all]), [1, all, ...kernel]);
  return builder.reshape(packed, [all / block, sizeOf(kernel), block]);
}

/** [C/b, kh*kw, b] back to the depthwise filter [C, 1, kh, kw]. */
export function unpackDepthwise(builder: GraphBuilder, name: string, channels: number, kernel: Shape): string {
  const all = whole(builder, channels);
  const packed = builder.reshape(name, [1, all, ...kernel]);
  const filter = builder.emit('nchwc.ReorderOutput', [packed], { channels: int(all), channels_last: int(0) });
  const unpacked = builder.reshape(filter, [all, 1, ...kernel]);
  return all === channels ? unpacked : builder.slice(unpacked, [0], [0], [channels]);
}

/** Reverses the last two axes of a filter. */
export function flipped(builder: GraphBuilder, name: string): string {
  const [, , height, width] = builder.shapeOf(name);
  if (height * width === 1) return name;
  return builder.slice(name, [2, 3], [-1, -1], [-height - 1, -width - 1], [-1, -1]);
}
