import type { GraphBuilder } from '../../graph/index.js';
import { int, ints, sizeOf } from '../../graph/index.js';
import { OIHW } from '../../trace/layout.js';
import { Val } from '../../trace/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, isPointwise } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { fillsBlocks, inBlocks } from './lanes.js';

/** The top left corner of a matrix. */
export function corner(builder: GraphBuilder, name: string, rows: number, columns: number): string {
  const [height, width] = builder.shapeOf(name);
  return height === rows && width === columns ? name : builder.slice(name, [0, 1], [0, 0], [rows, columns]);
}

const pixelsOf = (x: Blocks): number => x.images * sizeOf(x.image);

/**
 * The matrix [rows, columns] of sums over all pixels of row-channel times column-channel, both CNHWc. The columns'
 * tensor [C/b, P, b] is a filter of P input channels as it stands; the rows' tensor becomes their input by turning over
 * its tiles of b pixels and b channels.
 */
export function outerProduct(rows: Blocks, columns: Blocks): string {
  const { builder, block } = rows;
  const pixels = pixelsOf(rows);
  const tiles = (rows.channels * pixels) / (block * block);
  const turned = builder.emit('nchwc.ReorderOutput', [builder.reshape(rows.name, [tiles, block, block, 1])], {
    channels: int(block),
    channels_last: int(0),
  });
  const source = builder.reshape(turned, [rows.channels / block, pixels, block, 1]);
  const filter = builder.reshape(columns.name, [columns.channels, pixels, 1, 1]);
  const sums = builder.emit('nchwc.Conv', [source, filter], convolutionAttributes({ kernel: [1, 1] }));
  const split = builder.reshape(sums, [rows.channels / block, columns.channels / block, block, block]);
  return builder.reshape(builder.transpose(split, [0, 2, 1, 3]), [rows.channels, columns.channels]);
}

/** Whether `outerProduct` can run over these pixels. */
export const hasOuterProduct = (builder: GraphBuilder, images: number, image: readonly number[]): boolean =>
  builder.block !== null && builder.dynamicBatch === null && (images * sizeOf(image)) % builder.block === 0;

/** Sum over pixels of dy x^T; the tensor with fewer channels is the one that is turned over. */
function pointwiseGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const [seen, gradients] = [inBlocks(x, 'CNHWc'), inBlocks(dy, 'CNHWc')];
  if (seen.channels <= gradients.channels) {
    const product = corner(builder, outerProduct(seen, gradients), g.inChannels, g.outChannels);
    const shape = [1, 1, g.inChannels, g.outChannels];
    return Val.of(builder, builder.reshape(product, shape), shape, 'float32');
  }
  const product = corner(builder, outerProduct(gradients, seen), g.outChannels, g.inChannels);
  const stored = builder.reshape(product, [g.outChannels, g.inChannels, 1, 1]);
  return Val.of(builder, stored, [1, 1, g.inChannels, g.outChannels], 'float32', OIHW);
}

/** Images as lanes: [channel blocks, N, h, w*c] in blocks of images, c channels of a pixel side by side. */
function imagesAsLanes(
  x: Val,
  g: Geometry,
  [left, right]: readonly [number, number],
): { readonly name: string; readonly lanes: number; readonly blocks: number } {
  const { builder } = x;
  const plain = !fillsBlocks(builder, g.inChannels);
  const source = plain ? null : inBlocks(x, 'CNHWc');
  const [lanes, blocks] = source ? [source.block, source.channels / source.block] : [g.inChannels, 1];
  const [height, width] = g.input;
  const rows = builder.reshape(source ? source.name : x.fullForm(), [blocks * g.batch * height, width * lanes]);
  // Pads of the convolution would be slow: it computes the cells that touch them one by one.
  const padded =
    left + right === 0 ? rows : builder.emit('Pad', [rows, builder.integers([0, left * lanes, 0, right * lanes])]);
  const images = builder.reshape(padded, [blocks, g.batch, height, (width + left + right) * lanes]);
  return { name: builder.emit('nchwc.ReorderInput', [images], { channels_last: int(0) }), lanes, blocks };
}

/**
 * The gradient of the filter as one convolution over the images: images are the input channels, the output gradient is
 * the filter, and the channels of a pixel lie side by side in the row, so that columns are `lanes` apart. The result
 * [ci/c, co, kh, kw*c] has the kernel's cells for pixels.
 */
function imagesGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const gradients = inBlocks(dy, 'CNHWc');
  const { block, channels } = gradients;
  const area = sizeOf(g.output);
  const grouped = builder.reshape(gradients.name, [channels / block, g.batch / block, block, area, block]);
  const filter = builder.reshape(builder.emit('Transpose', [grouped], { perm: ints([0, 1, 3, 2, 4]) }), [
    channels,
    g.batch,
    ...g.output,
  ]);
  // Rows and columns that the strided filter never reaches are cut off by smaller end pads, or afterwards.
  const surplus = [0, 1].map(
    (i) => g.input[i] + g.pads[i] + g.pads[i + 2] - ((g.output[i] - 1) * g.strides[i] + g.kernel[i]),
  );
  const ends = surplus.map((s, i) => Math.max(0, g.pads[i + 2] - s));
  const cells = [0, 1].map((i) => g.kernel[i] + Math.max(0, surplus[i] - g.pads[i + 2]));
  const { name, lanes, blocks } = imagesAsLanes(x, g, [g.pads[1], ends[1]]);
  const attributes = convolutionAttributes({
    kernel: g.output,
    pads: [g.pads[0], 0, ends[0], 0],
    dilations: [g.strides[0], g.strides[1] * lanes],
  });
  const sums = builder.emit('nchwc.Conv', [name, filter], attributes);
  const split = builder.reshape(sums, [blocks, channels / block, ...cells, lanes, block]);
  const stored = builder.reshape(builder.transpose(split, [1, 5, 0, 4, 2, 3]), [channels, blocks * lanes, ...cells]);
  const whole = [channels, blocks * lanes, ...cells];
  const real = [g.outChannels, g.inChannels, ...g.kernel];
  const cut = [0, 1, 2, 3].filter((axis) => whole[axis] !== real[axis]);
  const kept =
    cut.length === 0
      ? stored
      : builder.slice(
          stored,
          cut,
          cut.map(() => 0),
          cut.map((axis) => real[axis]),
        );
  return Val.of(builder, kept, [...g.kernel, g.inChannels, g.outChannels], 'float32', OIHW);
}

/** The gradient of a full convolution's filter; null when sizes do not allow it. */
export function fullFilterGradient(x: Val, dy: Val, g: Geometry): Val | null {
  const { builder } = x;
  const { block, dynamicBatch } = builder;
  if (block === null || dynamicBatch !== null || g.dilations.some((d) => d !== 1)) return null;
  if (isPointwise(g) && fillsBlocks(builder, g.inChannels) && hasOuterProduct(builder, g.batch, g.input))
    return pointwiseGradient(x, dy, g);
  return g.batch % block === 0 ? imagesGradient(x, dy, g) : null;
}
