import type { GraphBuilder } from '../../graph/index.js';
import { sizeOf } from '../../graph/index.js';
import type { BlockOrder } from '../../trace/blocks.js';
import { IOHW, NCHW, OIHW } from '../../trace/layout.js';
import { Val } from '../../trace/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, flippedPads, isPointwise } from '../convolution/geometry.js';
import { spread } from './depthwise.js';
import { channelView, fillsBlocks, inBlocks } from './lanes.js';
import { flipped, packFilter } from './weights.js';

/**
 * Convolutions over all channels in the blocked layout: direct convolution at close to the speed of the processor, and
 * no change of layout before and after.
 */
export const isBlockedFull = (builder: GraphBuilder, g: Geometry): boolean =>
  !g.depthwise && fillsBlocks(builder, g.outChannels);

/**
 * 1x1 convolutions take any order. One that widens brings its narrow input into the order that suits its filter's
 * gradient; others leave their input as it is.
 */
export function orderForPointwise(x: Val, g: Geometry): BlockOrder {
  if (x.builder.dynamicBatch !== null) return 'NCHWc';
  return g.outChannels > g.inChannels ? 'CNHWc' : (x.blockOrder ?? 'NCHWc');
}

/** A 1x1 convolution of `x` with the filter [co, ci, 1, 1]: [N, H, W, co]. */
export function pointwise(x: Val, filter: string, order: BlockOrder, bias: string | null = null): Val {
  const { builder } = x;
  const source = inBlocks(x, order);
  const [outputs] = builder.shapeOf(filter);
  const weights = packFilter(builder, filter, 'blocked');
  const images = builder.reshape(source.name, channelView(source));
  const inputs = bias === null ? [images, weights] : [images, weights, bias];
  const y = builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1] }));
  return Val.blocked(builder, y, x.shape.with(3, outputs), order);
}

export function fullForward(x: Val, filter: Val, g: Geometry): Val {
  const { builder } = x;
  const blocked = fillsBlocks(builder, g.inChannels);
  if (blocked && isPointwise(g)) {
    const y = pointwise(x, filter.form(OIHW), orderForPointwise(x, g));
    y.recipe = { kind: 'pointwise', x, filter };
    return y;
  }
  const source = blocked ? inBlocks(x, 'NCHWc') : null;
  const images = source ? builder.reshape(source.name, [g.batch, source.channels, ...g.input]) : x.fullForm(NCHW);
  const weights = packFilter(builder, filter.form(OIHW), blocked ? 'blocked' : 'plain');
  const { kernel, pads, strides, dilations } = g;
  const y = builder.emit('nchwc.Conv', [images, weights], convolutionAttributes({ kernel, pads, strides, dilations }));
  return Val.blocked(builder, y, [g.batch, ...g.output, g.outChannels], 'NCHWc');
}

/** The gradient of the input; null when sizes do not allow it. */
export function fullInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = dy;
  if (!fillsBlocks(builder, g.inChannels)) return null;
  const shape = [g.batch, ...g.input, g.inChannels];
  if (isPointwise(g)) return pointwise(dy, filter.form(IOHW), dy.blockOrder ?? 'NCHWc');
  if (sizeOf(g.kernel) === 1) return stridedPointwiseGradient(dy, filter, g);
  const pads = flippedPads(g);
  if (g.strides.some((s) => s !== 1) || pads.some((p) => p < 0)) return null;
  const source = inBlocks(dy, 'NCHWc');
  const images = builder.reshape(source.name, [g.batch, source.channels, ...g.output]);
  const weights = packFilter(builder, flipped(builder, filter.form(IOHW)), 'blocked');
  const { kernel, dilations } = g;
  const dx = builder.emit('nchwc.Conv', [images, weights], convolutionAttributes({ kernel, pads, dilations }));
  return Val.blocked(builder, dx, shape, 'NCHWc');
}

/** The gradient of a strided 1x1 convolution: that of the pixels it saw, with zeros between them. */
function stridedPointwiseGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { strides, input, output } = g;
  const whole = output.every((d, i) => d * strides[i] === input[i]);
  if (!whole || g.pads.some((p) => p !== 0)) return null;
  const seen = pointwise(dy, filter.form(IOHW), dy.blockOrder ?? 'NCHWc');
  const blocks = inBlocks(seen);
  return Val.blocked(dy.builder, spread(blocks, strides), [g.batch, ...input, g.inChannels], blocks.order);
}
