import type { GraphBuilder } from '../../graph/index.js';
import { int } from '../../graph/index.js';

/** NCHW to the blocked layout; the channels are padded to whole blocks. */
export const toBlocks = (builder: GraphBuilder, name: string): string =>
  builder.emit('nchwc.ReorderInput', [name], { channels_last: int(0) });

/** The blocked layout to NCHW with this many channels. */
export const fromBlocks = (builder: GraphBuilder, name: string, channels: number): string =>
  builder.emit('nchwc.ReorderOutput', [name], { channels: int(channels), channels_last: int(0) });
