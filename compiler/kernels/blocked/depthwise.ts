import type { GraphBuilder } from '../../graph/index.js';
import { sizeOf } from '../../graph/index.js';
import { IOHW, NCHW } from '../../trace/layout.js';
import { Val } from '../../trace/value.js';
import { reduceAway } from '../reduction.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, flippedPads } from '../convolution/geometry.js';
import { fromBlocks, toBlocks } from './reorder.js';

/**
 * Depthwise convolutions in the blocked layout [N, C/b, H, W, b] of ONNX Runtime's CPU kernels, 2 to 8 times faster
 * than its NCHW ones, which multiply one-row matrices. Blocks are reached through the internal operators ReorderInput
 * (which pads the channels to whole blocks) and ReorderOutput. Two facts carry this file: a [1, C, kh, kw] tensor, when
 * reordered, is the blocked depthwise filter; and a blocked [N, C, H, W] is also a blocked [1, N*C, H, W].
 */
export const isBlocked = (builder: GraphBuilder, g: Geometry): boolean =>
  builder.block !== null && g.depthwise && g.outChannels === g.inChannels && g.inChannels % 4 === 0;

/** The filter [C, 1, kh, kw] as a blocked one. */
function filterBlocks(builder: GraphBuilder, filter: string, g: Geometry): string {
  const blocks = toBlocks(builder, builder.reshape(filter, [1, g.inChannels, ...g.kernel]));
  return builder.reshape(blocks, [builder.shapeOf(blocks)[1], 1, ...g.kernel]);
}

export function blockedForward(x: Val, filter: Val, g: Geometry): Val {
  const { builder } = x;
  const weights = filterBlocks(builder, filter.form(IOHW), g);
  const { kernel, pads, strides, dilations } = g;
  const attributes = convolutionAttributes({ kernel, pads, strides, dilations, group: builder.shapeOf(weights)[0] });
  const y = builder.emit('nchwc.Conv', [toBlocks(builder, x.fullForm(NCHW)), weights], attributes);
  const shape = [g.batch, ...g.output, g.outChannels];
  return Val.of(builder, fromBlocks(builder, y, g.outChannels), shape, 'float32', NCHW);
}

/** Puts zeros between the elements of a blocked tensor, `strides` apart: one Pad on a view of its memory. */
function spread(builder: GraphBuilder, name: string, strides: readonly [number, number]): string {
  const [n, c, h, w] = builder.shapeOf(name);
  const block = builder.block ?? 1;
  const [rows, columns] = strides;
  // A row of w pixels becomes w pixels with zeros behind each, then rows of zeros.
  const view = builder.reshape(name, [(n * c * h) / block, w, block]);
  const amounts = builder.integers([0, 0, 0, 0, (rows - 1) * w, (columns - 1) * block]);
  return builder.reshape(builder.emit('Pad', [view, amounts]), [n, c, h * rows, w * columns]);
}

/** The gradient of the input as a stride-1 convolution with the flipped filter; null when sizes do not allow it. */
export function blockedInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const pads = flippedPads(g);
  if (pads.some((p) => p < 0)) return null;
  const { builder } = dy;
  const { kernel, dilations } = g;
  const flipped = builder.slice(
    builder.reshape(filter.form(IOHW), [g.inChannels, 1, ...kernel]),
    [2, 3],
    [-1, -1],
    [-kernel[0] - 1, -kernel[1] - 1],
    [-1, -1],
  );
  const weights = filterBlocks(builder, flipped, g);
  const blocks = toBlocks(builder, dy.fullForm(NCHW));
  const source = g.strides.every((s) => s === 1) ? blocks : spread(builder, blocks, g.strides);
  const attributes = convolutionAttributes({ kernel, pads, dilations, group: builder.shapeOf(weights)[0] });
  const dx = builder.emit('nchwc.Conv', [source, weights], attributes);
  return Val.of(builder, fromBlocks(builder, dx, g.inChannels), [g.batch, ...g.input, g.inChannels], 'float32', NCHW);
}

/**
 * The gradient of the filter: every (image, channel) pair is a channel of one image, the output gradient is its filter,
 * and the kernel-sized results are summed over the images. Null when sizes do not allow it.
 */
export function blockedFilterGradient(x: Val, dy: Val, g: Geometry): Val | null {
  if (g.dilations.some((d) => d !== 1)) return null;
  const { builder } = x;
  // Rows and columns that the strided filter never reaches are cut off by smaller end pads.
  const surplus = [0, 1].map(
    (i) => g.input[i] + g.pads[i] + g.pads[i + 2] - ((g.output[i] - 1) * g.strides[i] + g.kernel[i]),
  );
  const pads = g.pads.map((p, i) => (i < 2 ? p : p - surplus[i - 2]));
  if (pads.some((p) => p < 0)) return null;
  const xBlocks = toBlocks(builder, x.fullForm(NCHW));
  const channels = builder.shapeOf(xBlocks)[1];
  const group = g.batch * channels;
  const images = builder.reshape(xBlocks, [1, group, ...g.input]);
  const filters = builder.reshape(toBlocks(builder, dy.fullForm(NCHW)), [group, 1, ...g.output]);
  const attributes = convolutionAttributes({ kernel: g.output, pads, dilations: g.strides, group });
  const each = fromBlocks(builder, builder.emit('nchwc.Conv', [images, filters], attributes), group);
  const taps = sizeOf(g.kernel);
  const sum = reduceAway(builder, 'ReduceSum', builder.reshape(each, [g.batch, channels, taps]), [0]);
  const real = channels === g.inChannels ? sum : builder.slice(sum, [0], [0], [g.inChannels]);
  const filter = builder.reshape(real, [g.inChannels, 1, ...g.kernel]);
  return Val.of(builder, filter, [...g.kernel, g.inChannels, 1], 'float32', IOHW);
}
