import type { GraphBuilder } from '../../graph/index.js';
import { sizeOf } from '../../graph/index.js';
import type { BlockOrder } from '../../values/blocks.js';
import { splitImages } from '../../values/blocks.js';
import { NCHW, OIHW } from '../../values/layout.js';
import { Val } from '../../values/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, flippedPads, isPointwise } from '../convolution/geometry.js';
import { spread } from './depthwise.js';
import type { Blocks } from './lanes.js';
import { byParts, channelVector, channelView, fillsBlocks, fitting, orderOf, partsFor, view } from './lanes.js';
import { stridedInputGradient } from './strided-gradient.js';
import { backwards, exchanged, packFilter, packForPlain, packMatrix, packTransposed } from './weights.js';
import { filteringFor, winogradConvolution } from './winograd.js';

/**
 * Convolutions over all channels in the blocked layout: direct convolution at close to the speed of the processor, and
 * no change of layout before and after.
 */
export const isBlockedFull = (builder: GraphBuilder, g: Geometry): boolean =>
  builder.uses('full convolution') && !g.depthwise && fillsBlocks(builder, g.outChannels);

/**
 * 1x1 convolutions take any order. One that widens brings its narrow input into the order that suits its filter's
 * gradient; others leave their input as it is.
 */
function orderForPointwise(x: Val, g: Geometry): BlockOrder {
  if (x.builder.dynamicBatch !== null) return 'NCHWc';
  return g.outChannels > g.inChannels ? 'CNHWc' : orderOf(x);
}

/** A 1x1 convolution of `x` with the filter [co, ci, 1, 1]: [N, H, W, co]. */
export function pointwise(x: Val, filter: string, order: BlockOrder, bias: Val | null = null): Val {
  const { builder } = x;
  return packedPointwise(x, packMatrix(builder, filter), builder.shapeOf(filter)[0], order, bias);
}

/** The input gradient of that convolution: its filter used the other way round, [N, H, W, co] to [N, H, W, ci]. */
function transposedPointwise(dy: Val, filter: string, order: BlockOrder): Val {
  const { builder } = dy;
  return packedPointwise(dy, packTransposed(builder, filter), builder.shapeOf(filter)[1], order, null);
}

function packedPointwise(x: Val, weights: string, outputs: number, order: BlockOrder, bias: Val | null): Val {
  const { builder } = x;
  return fitting(x, order, x.shape.with(3, outputs), (source) => {
    const offset = bias === null ? [] : [channelVector({ ...source, channels: builder.shapeOf(weights)[0] }, bias)];
    const inputs = [view(source, channelView(source)), weights, ...offset];
    return builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1] }));
  });
}

export function fullForward(x: Val, filter: Val, g: Geometry): Val {
  const { builder } = x;
  const blocked = fillsBlocks(builder, g.inChannels);
  if (blocked && isPointwise(g)) {
    const y = pointwise(x, filter.fullForm(OIHW), orderForPointwise(x, g));
    return y.madeAs({ kind: 'pointwise', x, filter });
  }
  const weights = blocked ? packFilter(builder, filter.fullForm()) : packForPlain(builder, filter.fullForm());
  return blocked ? convolution(x, weights, g) : fromPlain(x, weights, g);
}

/** The convolution of images with less than a block of channels. */
function fromPlain(x: Val, weights: string, g: Geometry): Val {
  const { builder } = x;
  const shape = [g.batch, ...g.output, g.outChannels];
  const attributes = convolutionAttributes(g);
  const parts = splitImages(builder, x.fullForm(NCHW), 'NCHWc', partsFor(builder, shape, builder.block ?? 1));
  const names = parts.map((images) => builder.emit('nchwc.Conv', [images, weights], attributes));
  return Val.blocked(builder, names, shape, 'NCHWc');
}

/** The convolution with a packed filter, with fewer products where that pays. */
function convolution(x: Val, weights: string, g: Geometry): Val {
  const { builder } = x;
  const filtering = filteringFor(builder, g);
  const direct = (source: Blocks): string =>
    builder.emit(
      'nchwc.Conv',
      [view(source, [source.images, source.channels, ...g.input]), weights],
      convolutionAttributes(g),
    );
  return fitting(
    x,
    'NCHWc',
    [g.batch, ...g.output, g.outChannels],
    (source) => (filtering ? winogradConvolution(source, weights, g, filtering) : direct(source)),
    builder.block ?? 1,
  );
}

/** The gradient of the input; null when sizes do not allow it. */
export function fullInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = dy;
  if (!fillsBlocks(builder, g.inChannels)) return null;
  if (isPointwise(g)) return transposedPointwise(dy, filter.fullForm(OIHW), orderOf(dy));
  if (sizeOf(g.kernel) === 1) return stridedPointwiseGradient(dy, filter, g);
  const pads = flippedPads(g);
  if (g.strides.some((s) => s !== 1)) return stridedInputGradient(dy, filter, g);
  if (pads.some((p) => p < 0)) return null;
  const turned = exchanged(builder, packFilter(builder, filter.fullForm()));
  const weights = backwards(
    builder,
    turned,
    g.kernel.map((cells) => cells - 1),
  );
  const [inChannels, outChannels] = [g.outChannels, g.inChannels];
  const [top, left, bottom, right] = pads;
  return convolution(dy, weights, {
    ...g,
    input: g.output,
    output: g.input,
    pads: [top, left, bottom, right],
    inChannels,
    outChannels,
  });
}

/** The gradient of a strided 1x1 convolution: that of the pixels it saw, with zeros between them. */
function stridedPointwiseGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { strides, input, output } = g;
  const whole = output.every((d, i) => d * strides[i] === input[i]);
  if (!whole || g.pads.some((p) => p !== 0)) return null;
  const seen = transposedPointwise(dy, filter.fullForm(OIHW), orderOf(dy));
  return byParts([seen], orderOf(seen), [g.batch, ...input, g.inChannels], (part) => spread(part, strides));
}
