import type { GraphBuilder } from '../../graph/index.js';
import { sizeOf } from '../../graph/index.js';
import { convolutionAttributes } from '../convolution/geometry.js';
import { reduceAway } from '../reduction.js';

/**
 * Work on the channels of NCHW tensors by ONNX Runtime's blocked depthwise convolution, without a change of layout:
 * memory [N, C, H*W] is read as the blocked tensor [1, N*C*b, 1, H*W/b], whose b lanes are neighbouring pixels of one
 * channel. One pass then does what takes several operators otherwise.
 */
interface Lanes {
  readonly images: number;
  readonly channels: number;
  readonly block: number;
  /** H*W/b. */
  readonly length: number;
}

/** Shorter rows cost more in calls than they save. */
const shortestRow = 4;

/** How the tensor is read in lanes; null where the blocked layout is missing or the image does not divide. */
export function lanesOf(builder: GraphBuilder, name: string): Lanes | null {
  const { block } = builder;
  const [images, channels, ...image] = builder.shapeOf(name);
  if (block === null) return null;
  const length = sizeOf(image) / block;
  return Number.isInteger(length) && length >= shortestRow ? { images, channels, block, length } : null;
}

const groups = ({ images, channels, block }: Lanes): number => images * channels * block;

const inLanes = (builder: GraphBuilder, name: string, lanes: Lanes): string =>
  builder.reshape(name, [1, groups(lanes), 1, lanes.length]);

/** A vector over the channels, repeated for every image and lane. */
function repeated(builder: GraphBuilder, vector: string, lanes: Lanes): string {
  const { images, channels, block } = lanes;
  return builder.expand(builder.reshape(vector, [1, channels, 1]), [images, channels, block]);
}

/** The vector of sums over images and pixels of x*y: y is the filter of a convolution that yields one pixel. */
export function channelDot(builder: GraphBuilder, x: string, y: string, lanes: Lanes): string {
  const filter = builder.reshape(inLanes(builder, y, lanes), [groups(lanes), 1, 1, lanes.length]);
  const attributes = convolutionAttributes({ kernel: [1, lanes.length], group: groups(lanes) });
  const sums = builder.emit('nchwc.Conv', [inLanes(builder, x, lanes), filter], attributes);
  const { images, channels, block } = lanes;
  return reduceAway(builder, 'ReduceSum', builder.reshape(sums, [images, channels, block]), [0, 2]);
}

/** scale*x + offset + addend, with vectors over the channels. */
export function channelAffine(
  builder: GraphBuilder,
  x: string,
  scale: string,
  offset: string,
  addend: string,
  lanes: Lanes,
): string {
  const weights = builder.reshape(repeated(builder, scale, lanes), [groups(lanes), 1, 1, 1]);
  const bias = builder.reshape(repeated(builder, offset, lanes), [groups(lanes)]);
  const inputs = [inLanes(builder, x, lanes), weights, bias, inLanes(builder, addend, lanes)];
  const y = builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1], group: groups(lanes) }));
  return builder.reshape(y, builder.shapeOf(x));
}
