import type { GraphBuilder, Shape } from '../../graph/index.js';
import { int, sizeOf } from '../../graph/index.js';
import { blocksOf } from '../../trace/blocks.js';

const blockOf = (builder: GraphBuilder): number => builder.block ?? 1;
const whole = (builder: GraphBuilder, channels: number): number =>
  blocksOf(channels, blockOf(builder)) * blockOf(builder);

/** The tensor with its first axes padded with zeros to these sizes. */
function padded(builder: GraphBuilder, name: string, sizes: readonly number[]): string {
  const shape = builder.shapeOf(name);
  const missing = shape.map((d, i) => (sizes[i] ?? d) - d);
  if (missing.every((d) => d === 0)) return name;
  return builder.emit('Pad', [name, builder.integers([...shape.map(() => 0), ...missing])]);
}

/** [1, C, h, w] in blocks of channels: ONNX Runtime's reordering of images is its fastest transposition. */
const inBlocksOfChannels = (builder: GraphBuilder, name: string, shape: Shape): string =>
  builder.emit('nchwc.ReorderInput', [builder.reshape(name, shape)], { channels_last: int(0) });

/**
 * A filter [co, ci, kh, kw] as blocked convolutions want it, channels padded to whole blocks: blocks of inputs within
 * blocks of outputs, [co/b, ci/b, kh, kw, b inputs, b outputs]; or, for plain NCHW inputs with less than a block of
 * channels, [co/b, ci, kh, kw, b outputs].
 */
export function packFilter(builder: GraphBuilder, name: string, inputs: 'blocked' | 'plain'): string {
  const block = blockOf(builder);
  const [co, ci, ...kernel] = builder.shapeOf(name);
  const [outputs, sources] = [whole(builder, co), inputs === 'plain' ? ci : whole(builder, ci)];
  const cells = sizeOf(kernel);
  const all = inBlocksOfChannels(builder, padded(builder, name, [outputs, sources]), [1, outputs, sources * cells, 1]);
  const shape = [outputs, sources, ...kernel];
  // Blocks of outputs hold the inputs one after the other, each with its cells.
  if (inputs === 'plain' || cells === 1) return builder.reshape(all, shape);
  const split = builder.reshape(all, [outputs / block, sources / block, block, cells, block]);
  return builder.reshape(builder.transpose(split, [0, 1, 3, 2, 4]), shape);
}

/** A 1x1 filter [co, ci, 1, 1], packed as the filter of the transposed convolution: [ci, co, 1, 1]. */
export function packTransposed(builder: GraphBuilder, name: string): string {
  const [co, ci] = builder.shapeOf(name);
  const [outputs, sources] = [whole(builder, ci), whole(builder, co)];
  const matrix = builder.reshape(padded(builder, name, [sources, outputs]), [1, sources, 1, outputs]);
  const packed = builder.emit('nchwc.ReorderInput', [matrix], { channels_last: int(1) });
  return builder.reshape(packed, [outputs, sources, 1, 1]);
}

/** A depthwise filter [C, 1, kh, kw] as [C/b, kh*kw, b], channels padded to whole blocks. */
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

/** A filter turned by half a turn in its last two axes. */
export function flipped(builder: GraphBuilder, name: string): string {
  const [, , height, width] = builder.shapeOf(name);
  if (height * width === 1) return name;
  return builder.slice(name, [2, 3], [-1, -1], [-height - 1, -width - 1], [-1, -1]);
}
