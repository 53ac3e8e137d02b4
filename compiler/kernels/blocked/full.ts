import type { Attributes, GraphBuilder, Shape } from '../../graph/index.js';
import { fromBlocks, toBlocks } from './reorder.js';

/**
 * Whether a convolution over all channels is worth the blocked layout: direct convolution saves a quarter to a third
 * of the time of larger kernels, while 1x1 kernels are plain matrix products already.
 */
export function isBlockedFull(builder: GraphBuilder, filter: Shape): boolean {
  const { block } = builder;
  const [outputs, inputs, ...kernel] = filter;
  return block !== null && kernel.some((k) => k > 1) && outputs % block === 0 && inputs % block === 0;
}

/** The convolution of an NCHW tensor with the filter [co, ci, kh, kw], which is put into blocks of both channels. */
export function blockedFull(builder: GraphBuilder, x: string, filter: string, attributes: Attributes): string {
  const block = builder.block ?? 1;
  const [outputs, inputs, ...kernel] = builder.shapeOf(filter);
  const split = builder.reshape(filter, [outputs / block, block, inputs / block, block, ...kernel]);
  const weights = builder.reshape(builder.transpose(split, [0, 2, 4, 5, 3, 1]), [outputs, inputs, ...kernel]);
  return fromBlocks(builder, builder.emit('nchwc.Conv', [toBlocks(builder, x), weights], attributes), outputs);
}
