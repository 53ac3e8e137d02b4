import { int, ints, type GraphBuilder, type Shape } from '../graph/index.js';

/**
 * Orders of the blocked layout, in which b channels of a pixel lie side by side. `NCHWc` is [N, C/b, H, W, b], ONNX
 * Runtime's own order. `CNHWc` is [C/b, N, H, W, b]: all pixels of a block of channels lie side by side, one long image
 * for 1x1 convolutions, their filter gradients and sums over the batch.
 *
 * Channels are padded to whole blocks. The padding is finite but undefined: readers give it weights of zero or cut it off.
 */
export type BlockOrder = 'NCHWc' | 'CNHWc';

/** Channels in blocks: C/b, rounded up. */
export const blocksOf = (channels: number, block: number): number => Math.ceil(channels / block);

/** Shape of an NHWC value in blocks. */
export function blockedShape([n, h, w, c]: Shape, order: BlockOrder, block: number): number[] {
  const blocks = blocksOf(c, block);
  return order === 'NCHWc' ? [n, blocks, h, w, block] : [blocks, n, h, w, block];
}

/** NCHW to the blocked layout. */
export function toBlocks(builder: GraphBuilder, nchw: string, block: number): string {
  const [n, c, h, w] = builder.shapeOf(nchw);
  const whole = blocksOf(c, block) * block;
  // ReorderInput moves four channels at a time.
  const pad = (): string => builder.emit('Pad', [nchw, builder.integers([0, 0, 0, 0, 0, whole - c, 0, 0])]);
  const source = c % 4 === 0 ? nchw : pad();
  const blocks = builder.emit('nchwc.ReorderInput', [source], { channels_last: int(0) });
  return builder.reshape(blocks, blockedShape([n, h, w, c], 'NCHWc', block));
}

/** The blocked layout (NCHWc) to NCHW with this many channels. */
export function fromBlocks(builder: GraphBuilder, name: string, channels: number): string {
  const [n, blocks, h, w, block] = builder.shapeOf(name);
  const source = builder.reshape(name, [n, blocks * block, h, w]);
  const whole = channels % 4 === 0 ? channels : blocks * block;
  const nchw = builder.emit('nchwc.ReorderOutput', [source], { channels: int(whole), channels_last: int(0) });
  return whole === channels ? nchw : builder.slice(nchw, [1], [0], [channels]);
}

/** Swaps images and blocks of channels: one order to the other. */
export function swapBlocks(builder: GraphBuilder, name: string): string {
  const [first, second, ...pixels] = builder.shapeOf(name);
  if (first === 1 || second === 1) return builder.reshape(name, [second, first, ...pixels]);
  return builder.emit('Transpose', [name], { perm: ints([1, 0, 2, 3, 4]) });
}
