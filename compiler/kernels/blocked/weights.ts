import type { GraphBuilder } from '../../graph/index.js';
import { sizeOf } from '../../graph/index.js';
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

/**
 * A filter [co, ci, kh, kw] as blocked convolutions want it, channels padded to whole blocks: blocks of inputs within
 * blocks of outputs, [co/b, ci/b, kh, kw, b inputs, b outputs]; or, for plain NCHW inputs with less than a block of
 * channels, [co/b, ci, kh, kw, b outputs].
 */
export function packFilter(builder: GraphBuilder, name: string, inputs: 'blocked' | 'plain'): string {
  const block = blockOf(builder);
  const [co, ci, ...kernel] = builder.shapeOf(name);
  const outputs = whole(builder, co);
  if (inputs === 'plain') {
    const split = builder.reshape(padded(builder, name, [outputs]), [outputs / block, block, ci, ...kernel]);
    return builder.reshape(builder.transpose(split, [0, 2, 3, 4, 1]), [outputs, ci, ...kernel]);
  }
  const sources = whole(builder, ci);
  const all = padded(builder, name, [outputs, sources]);
  const split = builder.reshape(all, [outputs / block, block, sources / block, block, ...kernel]);
  return builder.reshape(builder.transpose(split, [0, 2, 4, 5, 3, 1]), [outputs, sources, ...kernel]);
}

/** A depthwise filter [C, 1, kh, kw] as [C/b, kh*kw, b], channels padded to whole blocks. */
export function packDepthwise(builder: GraphBuilder, name: string): string {
  const block = blockOf(builder);
  const [channels, , ...kernel] = builder.shapeOf(name);
  const all = padded(builder, name, [whole(builder, channels)]);
  const split = builder.reshape(all, [blocksOf(channels, block), block, sizeOf(kernel)]);
  return builder.transpose(split, [0, 2, 1]);
}

/** A filter turned by half a turn in its last two axes. */
export function flipped(builder: GraphBuilder, name: string): string {
  const [, , height, width] = builder.shapeOf(name);
  if (height * width === 1) return name;
  return builder.slice(name, [2, 3], [-1, -1], [-height - 1, -width - 1], [-1, -1]);
}
