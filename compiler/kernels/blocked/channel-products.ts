import type { GraphBuilder } from '../../graph/index.js';
import { int, sizeOf } from '../../graph/index.js';
import type { Val } from '../../values/value.js';
import { convolutionAttributes } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { inParts, partsOf, sumOf } from './lanes.js';

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
