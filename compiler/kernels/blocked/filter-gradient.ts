import { type GraphBuilder, int, ints, range, sizeOf } from '../../graph/index.js';
import { splitImages } from '../../values/blocks.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes, type Geometry } from '../convolution/geometry.js';
import { type Blocks, fillsBlocks, inParts, orderOf, partsOf, sumOf } from './parts.js';
import { combineRows, constantMatrix, filteringFor, type Lines, type MinimalFiltering } from './winograd.js';

/** Images whose pixels lie in rows: [blocks, images, h, w*lanes], `lanes` channels of a pixel side by side. */
interface Rows {
  readonly name: string;
  readonly blocks: number;
  readonly images: number;
  readonly lanes: number;
}

/** The parts of x as rows of pixels: all channels of a pixel when they are too few for blocks. */
function rowsOf(x: Val, g: Geometry, parts: number): Rows[] {
  if (!fillsBlocks(x.builder, g.inChannels))
    return splitImages(x.builder, x.fullForm(), 'NCHWc', parts).map((name) => ({
      name,
      blocks: 1,
      images: g.batch / parts,
      lanes: g.inChannels,
    }));
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
  { name, blocks, images, lanes }: Rows,
  [height, width]: readonly [number, number],
  [left, right]: readonly [number, number],
): string {
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

/** One convolution with the kernel's cells for pixels, [ci/c, co, kh, kw*c]. */
function directGradient(builder: GraphBuilder, rows: Rows, dy: Blocks, g: Geometry, ends: readonly number[]): string {
  const attributes = convolutionAttributes({
    kernel: g.output,
    pads: [g.pads[0], 0, ends[0], 0],
    dilations: [g.strides[0], g.strides[1] * rows.lanes],
  });
  const images = imagesAsChannels(builder, rows, g.input, [g.pads[1], ends[1]]);
  return builder.emit('nchwc.Conv', [images, imagesInside(dy)], attributes);
}

/** The gradient of the filter with its channels in whole blocks, [kh, kw, ci, co], and maybe more cells behind. */
function directSums(x: Val, dy: Val, g: Geometry, parts: number): string {
  const { builder } = x;
  const gradients = inParts(dy, orderOf(dy), parts);
  const sources = rowsOf(x, g, parts);
  const [[{ lanes, blocks }], [{ channels, block }]] = [sources, gradients];
  // Rows and columns that the strided filter never reaches are cut off by smaller end pads, or afterwards.
  const surplus = [0, 1].map(
    (i) => g.input[i] + g.pads[i] + g.pads[i + 2] - ((g.output[i] - 1) * g.strides[i] + g.kernel[i]),
  );
  const ends = surplus.map((s, i) => Math.max(0, g.pads[i + 2] - s));
  const cells = [0, 1].map((i) => g.kernel[i] + Math.max(0, surplus[i] - g.pads[i + 2]));
  const sums = sumOf(
    builder,
    sources.map((source, i) => directGradient(builder, source, gradients[i], g, ends)),
  );
  const split = builder.reshape(sums, [blocks, channels / block, ...cells, lanes, block]);
  return builder.reshape(builder.transpose(split, [2, 3, 0, 4, 1, 5]), [...cells, blocks * lanes, channels]);
}

/**
 * The products for each point of the filtering, [1, co, ci/b, kw*b]: convolutions of combined rows. Blocks of channels
 * lie one below the other, and the convolution steps from one to the next.
 */
function productsOfPoints(x: Blocks, dy: Blocks, g: Geometry, f: MinimalFiltering): string[] {
  const { builder, block, images } = x;
  const [height, width] = g.input;
  const [, left, , right] = g.pads;
  const count = g.output[0] / f.rows;
  const blocks = x.channels / block;
  const stacked = builder.reshape(x.name, [1, images, blocks * height, width * block]);
  const source: Lines = {
    builder,
    name: builder.emit('nchwc.ReorderInput', [stacked], { channels_last: int(0) }),
    height,
    width: width * block,
    block,
  };
  const filter: Lines = { builder, name: imagesInside(dy), height: g.output[0], width: g.output[1] * block, block };
  const attributes = convolutionAttributes({
    kernel: [count, g.output[1]],
    strides: [count, 1],
    dilations: [1, block],
  });
  return f.signal.map((signal, i) => {
    const column = f.outputs.map((row) => row[i]);
    const sides = [left * block, right * block] as const;
    const seen = combineRows(source, signal, { stride: f.rows, count, top: g.pads[0], sides });
    const gradient = combineRows(filter, column, { stride: f.rows, count });
    const inputs = [
      builder.reshape(seen, [1, images, blocks * count, (left + width + right) * block]),
      builder.reshape(gradient, [dy.channels, images, count, g.output[1]]),
    ];
    return builder.emit('nchwc.Conv', inputs, attributes);
  });
}

/** The same as `directSums` with fewer products. */
function winogradSums(x: Val, dy: Val, g: Geometry, parts: number, f: MinimalFiltering): string {
  const { builder } = x;
  const [sources, gradients] = [inParts(x, 'NCHWc', parts), inParts(dy, orderOf(dy), parts)];
  const [[{ channels: inputs, block }], [{ channels: outputs }]] = [sources, gradients];
  const each = sources.map((source, i) => productsOfPoints(source, gradients[i], g, f));
  const tiles = (inputs * outputs) / block ** 2;
  const products = f.signal.map((_, i) => {
    const sum = sumOf(
      builder,
      each.map((ofPoints) => ofPoints[i]),
    );
    return builder.reshape(sum, [tiles, 1, g.kernel[1] * block ** 2]);
  });
  const weights = range(g.kernel[0]).map((k) => f.weights.map((row) => row[k]));
  const all = builder.emit('Concat', products, { axis: int(1) });
  const cells = builder.emit('MatMul', [constantMatrix(builder, weights), all]);
  const split = builder.reshape(cells, [outputs / block, inputs / block, ...g.kernel, block, block]);
  return builder.reshape(builder.transpose(split, [2, 3, 1, 4, 0, 5]), [...g.kernel, inputs, outputs]);
}

/**
 * The gradient of the filter as one convolution over the images: images are the input channels, the output gradient is
 * the filter, and the channels of a pixel lie side by side in the row, so that columns are `lanes` apart. The result
 * has the kernel's cells for pixels. Null when sizes do not allow it.
 */
export function imagesGradient(x: Val, dy: Val, g: Geometry): Val | null {
  const { builder } = x;
  const { block, dynamicBatch } = builder;
  const fits = block !== null && dynamicBatch === null && g.batch % block === 0;
  if (!fits || !builder.uses('filter gradient over images') || g.dilations.some((d) => d !== 1)) return null;
  const wanted = Math.max(partsOf(x), partsOf(dy));
  const parts = (g.batch / wanted) % block === 0 ? wanted : 1;
  const filtering = filteringFor(builder, g);
  const sums = filtering ? winogradSums(x, dy, g, parts, filtering) : directSums(x, dy, g, parts);
  const whole = builder.shapeOf(sums);
  const shape = [...g.kernel, g.inChannels, g.outChannels];
  const cut = range(4).filter((axis) => whole[axis] !== shape[axis]);
  const begin = cut.map(() => 0);
  const end = cut.map((axis) => shape[axis]);
  return Val.of(builder, cut.length === 0 ? sums : builder.slice(sums, cut, begin, end), shape, 'float32');
}
