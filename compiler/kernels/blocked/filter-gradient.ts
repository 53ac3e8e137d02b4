import { type GraphBuilder, int, ints, range, sizeOf } from '../../graph/index.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes, type Geometry, outputPadding } from '../geometry.js';
import { type Blocks, fillsBlocks, inBlocks } from './in-blocks.js';

/** Images as rows of pixels [blocks, images, h, w*depth], `depth` channels of a pixel side by side. */
interface Rows {
  readonly name: string;
  readonly blocks: number;
  readonly images: number;
  readonly depth: number;
}

/** x as rows of pixels; too few channels for blocks lie side by side, all of them. */
function rowsOf(x: Val, g: Geometry): Rows {
  if (!fillsBlocks(x.builder, g.inChannels))
    return { name: x.fullForm(), blocks: 1, images: g.batch, depth: g.inChannels };
  const { name, channels, images, block } = inBlocks(x, 'CNHWc');
  return { name, blocks: channels / block, images, depth: block };
}

/** Images become channels in blocks; rows are padded with zeros. */
function imagesAsChannels(
  builder: GraphBuilder,
  { name, blocks, images, depth }: Rows,
  [height, width]: readonly [number, number],
  [left, right]: readonly [number, number],
): string {
  const rows = builder.reshape(name, [blocks * images * height, width * depth]);
  // The convolution's own pads are slow: it computes each cell that touches them on its own.
  const padded =
    left + right === 0 ? rows : builder.emit('Pad', [rows, builder.integers([0, left * depth, 0, right * depth])]);
  const all = builder.reshape(padded, [blocks, images, height, (width + left + right) * depth]);
  return builder.emit('nchwc.ReorderInput', [all], { channels_last: int(0) });
}

/** Output gradients as a filter [co, N, h, w] with images as input channels. */
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

/** One convolution whose output pixels are the cells of the kernel, [ci/c, co, kh, kw*c]. */
function directGradient(builder: GraphBuilder, rows: Rows, dy: Blocks, g: Geometry, ends: readonly number[]): string {
  const attributes = convolutionAttributes({
    kernel: g.output,
    pads: [g.pads[0], 0, ends[0], 0],
    dilations: [g.strides[0], g.strides[1] * rows.depth],
  });
  const images = imagesAsChannels(builder, rows, g.input, [g.pads[1], ends[1]]);
  return builder.emit('nchwc.Conv', [images, imagesInside(dy)], attributes);
}

/** The filter's gradient [kh, kw, ci, co], channels padded to whole blocks, possibly with surplus cells at the end. */
function cellSums(x: Val, dy: Val, g: Geometry): string {
  const { builder } = x;
  const gradient = inBlocks(dy);
  const rows = rowsOf(x, g);
  const [{ depth, blocks }, { channels, block }] = [rows, gradient];
  // Rows and columns that the strided filter never reaches: smaller end pads or a slice cut them off.
  const surplus = outputPadding(g);
  const ends = surplus.map((s, i) => Math.max(0, g.pads[i + 2] - s));
  const cells = [0, 1].map((i) => g.kernel[i] + Math.max(0, surplus[i] - g.pads[i + 2]));
  const sums = directGradient(builder, rows, gradient, g, ends);
  const split = builder.reshape(sums, [blocks, channels / block, ...cells, depth, block]);
  return builder.reshape(builder.transpose(split, [2, 3, 0, 4, 1, 5]), [...cells, blocks * depth, channels]);
}

/**
 * The filter's gradient as one convolution: images are its input channels, the output gradient is its filter, and its
 * output pixels are the cells of the kernel. The channels of a pixel lie side by side in a row, so columns are `depth`
 * apart. Null when sizes do not allow it.
 */
export function imagesGradient(x: Val, dy: Val, g: Geometry): Val | null {
  const { builder } = x;
  const { block, dynamicBatch } = builder;
  const fits = block !== null && dynamicBatch === null && g.batch % block === 0;
  if (!fits || g.dilations.some((d) => d !== 1)) return null;
  const sums = cellSums(x, dy, g);
  const whole = builder.shapeOf(sums);
  const shape = [...g.kernel, g.inChannels, g.outChannels];
  const cut = range(4).filter((axis) => whole[axis] !== shape[axis]);
  const begin = cut.map(() => 0);
  const end = cut.map((axis) => shape[axis]);
  return Val.of(builder, cut.length === 0 ? sums : builder.slice(sums, cut, begin, end), shape, 'float32');
}
