import type { GraphBuilder } from '../../graph/index.js';
import { int, ints, sizeOf } from '../../graph/index.js';
import { OIHW } from '../../trace/layout.js';
import { Val } from '../../trace/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, isPointwise } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { byParts, fillsBlocks, inParts, orderOf, partsOf, sumOf } from './lanes.js';

/** The top left corner of a matrix. */
function corner(builder: GraphBuilder, name: string, rows: number, columns: number): string {
  const [height, width] = builder.shapeOf(name);
  return height === rows && width === columns ? name : builder.slice(name, [0, 1], [0, 0], [rows, columns]);
}

const pixelsOf = (x: Blocks): number => x.images * sizeOf(x.image);

/** Both values in parts of the same images, CNHWc. */
function pairs(a: Val, b: Val): (readonly [Blocks, Blocks])[] {
  const parts = Math.max(partsOf(a), partsOf(b));
  const others = inParts(b, 'CNHWc', parts);
  return inParts(a, 'CNHWc', parts).map((part, i) => [part, others[i]] as const);
}

/** The matrix [a's channels, b's channels] of sums over all images and pixels of a * b. */
export function channelProducts(a: Val, b: Val): string {
  const { builder } = a;
  const products = pairs(a, b).map(([rows, columns]) => outerProduct(rows, columns));
  return corner(builder, sumOf(builder, products), a.shape[3], b.shape[3]);
}

/**
 * The matrix [rows, columns] of sums over all pixels of row-channel times column-channel, both CNHWc. The columns'
 * tensor [C/b, P, b] is a filter of P input channels as it stands; the rows' tensor becomes their input by turning over
 * its tiles of b pixels and b channels.
 */
function outerProduct(rows: Blocks, columns: Blocks): string {
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

/** Whether `channelProducts` can run over these pixels. */
export const hasOuterProduct = (builder: GraphBuilder, images: number, image: readonly number[]): boolean =>
  builder.block !== null && builder.dynamicBatch === null && (images * sizeOf(image)) % builder.block === 0;

/** Sum over pixels of dy x^T; the tensor with fewer channels is the one that is turned over. */
function pointwiseGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  if (g.inChannels <= g.outChannels) {
    const shape = [1, 1, g.inChannels, g.outChannels];
    return Val.of(builder, builder.reshape(channelProducts(x, dy), shape), shape, 'float32');
  }
  const stored = builder.reshape(channelProducts(dy, x), [g.outChannels, g.inChannels, 1, 1]);
  return Val.of(builder, stored, [1, 1, g.inChannels, g.outChannels], 'float32', OIHW);
}

/** Images whose pixels lie in rows: [blocks, images, h, w*lanes], `lanes` channels of a pixel side by side. */
interface Rows {
  readonly name: string;
  readonly blocks: number;
  readonly images: number;
  readonly lanes: number;
}

/** The parts of x as rows of pixels; x itself when its channels are too few for blocks. */
function rowsOf(x: Val, g: Geometry, parts: number): Rows[] {
  if (!fillsBlocks(x.builder, g.inChannels))
    return [{ name: x.fullForm(), blocks: 1, images: g.batch, lanes: g.inChannels }];
  return inParts(x, 'CNHWc', parts).map(({ name, channels, images, block }) => ({
    name,
    blocks: channels / block,
    images,
    lanes: block,
  }));
}

/** Images as channels, in blocks, the rows padded with zeros. */
function imagesAsChannels(
  builder: GraphBuilder,
  x: Rows,
  g: Geometry,
  [left, right]: readonly [number, number],
): string {
  const { name, blocks, images, lanes } = x;
  const [height, width] = g.input;
  const rows = builder.reshape(name, [blocks * images * height, width * lanes]);
  // Pads of the convolution would be slow: it computes the cells that touch them one by one.
  const padded =
    left + right === 0 ? rows : builder.emit('Pad', [rows, builder.integers([0, left * lanes, 0, right * lanes])]);
  const all = builder.reshape(padded, [blocks, images, height, (width + left + right) * lanes]);
  return builder.emit('nchwc.ReorderInput', [all], { channels_last: int(0) });
}

/** Output gradients as a filter [co, N, h, w] whose input channels are the images. */
function imagesInside({ builder, name, order, images, channels, image, block }: Blocks): string {
  const [blocks, area] = [channels / block, sizeOf(image)];
  const [shape, perm] =
    order === 'NCHWc'
      ? [
          [images / block, block, blocks, area, block],
          [2, 0, 3, 1, 4],
        ]
      : [
          [blocks, images / block, block, area, block],
          [0, 1, 3, 2, 4],
        ];
  const grouped = builder.emit('Transpose', [builder.reshape(name, shape)], { perm: ints(perm) });
  return builder.reshape(grouped, [channels, images, ...image]);
}

/**
 * The gradient of the filter as one convolution over the images: images are the input channels, the output gradient is
 * the filter, and the channels of a pixel lie side by side in the row, so that columns are `lanes` apart. The result
 * [ci/c, co, kh, kw*c] has the kernel's cells for pixels.
 */
function imagesGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const wanted = fillsBlocks(builder, g.inChannels) ? Math.max(partsOf(x), partsOf(dy)) : 1;
  const parts = (g.batch / wanted) % (builder.block ?? 1) === 0 ? wanted : 1;
  const gradients = inParts(dy, orderOf(dy), parts);
  const [{ block, channels }] = gradients;
  // Rows and columns that the strided filter never reaches are cut off by smaller end pads, or afterwards.
  const surplus = [0, 1].map(
    (i) => g.input[i] + g.pads[i] + g.pads[i + 2] - ((g.output[i] - 1) * g.strides[i] + g.kernel[i]),
  );
  const ends = surplus.map((s, i) => Math.max(0, g.pads[i + 2] - s));
  const cells = [0, 1].map((i) => g.kernel[i] + Math.max(0, surplus[i] - g.pads[i + 2]));
  const sources = rowsOf(x, g, parts);
  const [{ lanes, blocks }] = sources;
  const attributes = convolutionAttributes({
    kernel: g.output,
    pads: [g.pads[0], 0, ends[0], 0],
    dilations: [g.strides[0], g.strides[1] * lanes],
  });
  const each = sources.map((source, i) => {
    const inputs = [imagesAsChannels(builder, source, g, [g.pads[1], ends[1]]), imagesInside(gradients[i])];
    return builder.emit('nchwc.Conv', inputs, attributes);
  });
  const split = builder.reshape(sumOf(builder, each), [blocks, channels / block, ...cells, lanes, block]);
  const whole = [...cells, blocks * lanes, channels];
  const stored = builder.reshape(builder.transpose(split, [2, 3, 0, 4, 1, 5]), whole);
  const shape = [...g.kernel, g.inChannels, g.outChannels];
  const cut = [0, 1, 2, 3].filter((axis) => whole[axis] !== shape[axis]);
  const kept =
    cut.length === 0
      ? stored
      : builder.slice(
          stored,
          cut,
          cut.map(() => 0),
          cut.map((axis) => shape[axis]),
        );
  return Val.of(builder, kept, shape, 'float32');
}

/** Every `strides`-th pixel, where the strides divide the image: what a strided 1x1 convolution sees. */
function seenPixels(x: Val, g: Geometry): Val {
  const [rows, columns] = g.strides;
  const [height, width] = g.output;
  return byParts(
    [x],
    orderOf(x),
    [g.batch, ...g.output, g.inChannels],
    ({ builder, name, images, channels, block }) => {
      const lines = (images * channels * height) / block;
      const cells = builder.reshape(name, [lines, rows, width, columns, block]);
      return builder.slice(cells, [1, 3], [0, 0], [1, 1]);
    },
  );
}

/** The gradient of a full convolution's filter; null when sizes do not allow it. */
export function fullFilterGradient(x: Val, dy: Val, g: Geometry): Val | null {
  const { builder } = x;
  const { block, dynamicBatch } = builder;
  if (block === null || dynamicBatch !== null || g.dilations.some((d) => d !== 1)) return null;
  if (isPointwise(g) && fillsBlocks(builder, g.inChannels) && hasOuterProduct(builder, g.batch, g.input))
    return pointwiseGradient(x, dy, g);
  const seesCells = g.output.every((d, i) => d * g.strides[i] === g.input[i]) && g.pads.every((p) => p === 0);
  if (sizeOf(g.kernel) === 1 && seesCells && fillsBlocks(builder, g.inChannels))
    if (hasOuterProduct(builder, g.batch, g.output)) return pointwiseGradient(seenPixels(x, g), dy, g);
  return g.batch % block === 0 ? imagesGradient(x, dy, g) : null;
}
