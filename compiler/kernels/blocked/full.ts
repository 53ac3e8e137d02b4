import { type GraphBuilder, sizeOf } from '../../graph/index.js';
import { type BlockOrder } from '../../values/blocks.js';
import { NCHW, OIHW } from '../../values/layout.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes, flippedPads, type Geometry, isPointwise } from '../geometry.js';
import { spread } from './depthwise.js';
import { channelVector, channelView, fillsBlocks, onBlocks, orderOf, view } from './in-blocks.js';
import { backwards, exchanged, packFilter, packForPlain, packMatrix, packTransposed } from './weights.js';

/** Whether a convolution over all channels runs in the blocked layout. */
export const isBlockedFull = (builder: GraphBuilder, g: Geometry): boolean =>
  !g.depthwise && fillsBlocks(builder, g.outChannels);

/**
 * 1x1 convolutions work in either order. Widening ones bring their narrow input into the order that suits the filter's
 * gradient; others keep the order of their input.
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

/** The input gradient of that convolution: [N, H, W, co] times the transposed filter, [N, H, W, ci]. */
function transposedPointwise(dy: Val, filter: string, order: BlockOrder): Val {
  const { builder } = dy;
  return packedPointwise(dy, packTransposed(builder, filter), builder.shapeOf(filter)[1], order, null);
}

function packedPointwise(x: Val, weights: string, outputs: number, order: BlockOrder, bias: Val | null): Val {
  const { builder } = x;
  return onBlocks([x], order, x.shape.with(3, outputs), (source) => {
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

/** The convolution of images with fewer channels than half a block, read from NCHW. */
function fromPlain(x: Val, weights: string, g: Geometry): Val {
  const { builder } = x;
  const shape = [g.batch, ...g.output, g.outChannels];
  const name = builder.emit('nchwc.Conv', [x.fullForm(NCHW), weights], convolutionAttributes(g));
  return Val.blocked(builder, name, shape, 'NCHWc');
}

/** The convolution with a packed filter. */
function convolution(x: Val, weights: string, g: Geometry): Val {
  const { builder } = x;
  return onBlocks([x], 'NCHWc', [g.batch, ...g.output, g.outChannels], (source) =>
    builder.emit(
      'nchwc.Conv',
      [view(source, [source.images, source.channels, ...g.input]), weights],
      convolutionAttributes(g),
    ),
  );
}

/** The gradient of the input; null when sizes do not allow it. */
export function fullInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = dy;
  if (!fillsBlocks(builder, g.inChannels)) return null;
  if (isPointwise(g)) return transposedPointwise(dy, filter.fullForm(OIHW), orderOf(dy));
  if (sizeOf(g.kernel) === 1) return stridedPointwiseGradient(dy, filter, g);
  const pads = flippedPads(g);
  if (g.strides.some((s) => s !== 1) || pads.some((p) => p < 0)) return null;
  const weights = backwards(builder, exchanged(builder, packFilter(builder, filter.fullForm())));
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

/** The input gradient of a strided 1x1 convolution: zero between the pixels that it read. */
function stridedPointwiseGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { strides, input, output } = g;
  const whole = output.every((d, i) => d * strides[i] === input[i]);
  if (!whole || g.pads.some((p) => p !== 0)) return null;
  const seen = transposedPointwise(dy, filter.fullForm(OIHW), orderOf(dy));
  return onBlocks([seen], orderOf(seen), [g.batch, ...input, g.inChannels], (part) => spread(part, strides));
}
