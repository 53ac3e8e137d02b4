import type { GraphBuilder } from '../../graph/index.js';
import { int, sizeOf } from '../../graph/index.js';
import { OIHW } from '../../values/layout.js';
import { Val } from '../../values/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes, isPointwise } from '../convolution/geometry.js';
import { imagesGradient } from './images-gradient.js';
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
  const overPixels = builder.uses('filter gradient over pixels') && fillsBlocks(builder, g.inChannels);
  if (isPointwise(g) && overPixels && hasOuterProduct(builder, g.batch, g.input)) return pointwiseGradient(x, dy, g);
  const seesCells = g.output.every((d, i) => d * g.strides[i] === g.input[i]) && g.pads.every((p) => p === 0);
  const picked = builder.uses('pixels of strided 1x1 convolutions') && overPixels;
  if (sizeOf(g.kernel) === 1 && seesCells && picked)
    if (hasOuterProduct(builder, g.batch, g.output)) return pointwiseGradient(seenPixels(x, g), dy, g);
  return builder.uses('filter gradient over images') && g.batch % block === 0 ? imagesGradient(x, dy, g) : null;
}
