import type { GraphBuilder } from '../../graph/index.js';
import { int, ints, sizeOf } from '../../graph/index.js';
import { Val } from '../../trace/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { fillsBlocks, inParts, orderOf, partsOf, sumOf } from './lanes.js';
import type { MinimalFiltering } from './minimal-filtering.js';
import { combineRows, constantMatrix, filteringFor, type Lines } from './winograd.js';

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

/** Some of the images, as rows of pixels, and the gradients of what was computed from them. */
interface Part {
  readonly rows: Rows;
  readonly gradients: Blocks;
}

/** One convolution with the kernel's cells for pixels: [ci/c, co, kh, kw*c]. */
function directGradient(
  builder: GraphBuilder,
  { rows, gradients }: Part,
  g: Geometry,
  ends: readonly number[],
): string {
  const attributes = convolutionAttributes({
    kernel: g.output,
    pads: [g.pads[0], 0, ends[0], 0],
    dilations: [g.strides[0], g.strides[1] * rows.lanes],
  });
  const images = imagesAsChannels(builder, rows, g.input, [g.pads[1], ends[1]]);
  return builder.emit('nchwc.Conv', [images, imagesInside(gradients)], attributes);
}

/** The products for each point of the filtering, [ci/c, co, 1, kw*c]: convolutions of combined rows. */
function productsOfPoints(builder: GraphBuilder, part: Part, g: Geometry, f: MinimalFiltering): string[] {
  const { rows, gradients } = part;
  const { block, channels } = gradients;
  const { blocks, images, lanes } = rows;
  const [height, width] = g.output;
  const count = height / f.rows;
  const [, left, , right] = g.pads;
  const name = imagesAsChannels(builder, rows, g.input, [0, 0]);
  const x: Lines = { builder, name, height: g.input[0], width: g.input[1] * lanes, block };
  const dy: Lines = { builder, name: imagesInside(gradients), height, width: width * block, block };
  const attributes = convolutionAttributes({ kernel: [count, width], dilations: [1, lanes] });
  return f.signal.map((signal, i) => {
    const source = combineRows(x, signal, {
      stride: f.rows,
      count,
      top: g.pads[0],
      sides: [left * lanes, right * lanes],
    });
    const filter = combineRows(
      dy,
      f.outputs.map((row) => row[i]),
      { stride: f.rows, count },
    );
    const inputs = [
      builder.reshape(source, [blocks, images, count, (g.input[1] + left + right) * lanes]),
      builder.reshape(filter, [channels, images, count, width]),
    ];
    return builder.emit('nchwc.Conv', inputs, attributes);
  });
}

/** The same as `directGradient` with fewer products: see `MinimalFiltering`. */
function winogradGradient(builder: GraphBuilder, parts: readonly Part[], g: Geometry, f: MinimalFiltering): string {
  const all = parts.map((part) => productsOfPoints(builder, part, g, f));
  const [{ rows, gradients }] = parts;
  const blocks = (rows.blocks * gradients.channels) / gradients.block;
  const numbers = g.kernel[1] * rows.lanes * gradients.block;
  const products = f.signal.map((_, i) =>
    builder.reshape(
      sumOf(
        builder,
        all.map((part) => part[i]),
      ),
      [blocks, 1, numbers],
    ),
  );
  const cells = constantMatrix(
    builder,
    f.weights[0].map((_, k) => f.weights.map((row) => row[k])),
  );
  return builder.emit('MatMul', [cells, builder.emit('Concat', products, { axis: int(1) })]);
}

/**
 * The gradient of the filter as one convolution over the images: images are the input channels, the output gradient is
 * the filter, and the channels of a pixel lie side by side in the row, so that columns are `lanes` apart. The result
 * has the kernel's cells for pixels.
 */
export function imagesGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const wanted = fillsBlocks(builder, g.inChannels) ? Math.max(partsOf(x), partsOf(dy)) : 1;
  const count = (g.batch / wanted) % (builder.block ?? 1) === 0 ? wanted : 1;
  const gradients = inParts(dy, orderOf(dy), count);
  const parts = rowsOf(x, g, count).map((rows, i) => ({ rows, gradients: gradients[i] }));
  const [{ block, channels }] = gradients;
  const [{ lanes, blocks }] = parts.map(({ rows }) => rows);
  // Rows and columns that the strided filter never reaches are cut off by smaller end pads, or afterwards.
  const surplus = [0, 1].map(
    (i) => g.input[i] + g.pads[i] + g.pads[i + 2] - ((g.output[i] - 1) * g.strides[i] + g.kernel[i]),
  );
  const ends = surplus.map((s, i) => Math.max(0, g.pads[i + 2] - s));
  const cells = [0, 1].map((i) => g.kernel[i] + Math.max(0, surplus[i] - g.pads[i + 2]));
  const filtering = filteringFor(builder, g);
  const sums = filtering
    ? winogradGradient(builder, parts, g, filtering)
    : sumOf(
        builder,
        parts.map((part) => directGradient(builder, part, g, ends)),
      );
  const split = builder.reshape(sums, [blocks, channels / block, ...cells, lanes, block]);
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
