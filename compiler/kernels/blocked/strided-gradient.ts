import { int, range } from '../../graph/index.js';
import { blocksOf } from '../../values/blocks.js';
import type { Val } from '../../values/value.js';
import type { Geometry } from '../convolution/geometry.js';
import { convolutionAttributes } from '../convolution/geometry.js';
import type { Blocks } from './lanes.js';
import { fitting } from './lanes.js';
import { backwards, exchanged, packFilter } from './weights.js';

/** What one phase of the input rows (or columns) sees: every `stride`-th cell of the kernel, the last one first. */
interface Phase {
  readonly first: number;
  readonly cells: number;
  readonly begin: number;
  readonly end: number;
}

/** The pixels of phase a: dx[s*i + a] is the sum over t of dy[i + o - t] * w[first + s*t], o = (a + pad - first)/s. */
function phase(a: number, stride: number, kernel: number, pad: number, input: number, output: number): Phase {
  const first = (a + pad) % stride;
  const cells = Math.max(0, Math.ceil((kernel - first) / stride));
  const offset = (a + pad - first) / stride;
  return { first, cells, begin: cells - 1 - offset, end: input / stride + offset - output };
}

/**
 * The input gradient of a strided convolution: one convolution of the output gradient for each phase of the input's
 * pixels, with the cells of the kernel that meet that phase; the results are interleaved. No multiplication by zero, as
 * there would be after spreading the gradient. Null when sizes do not allow it.
 */
export function stridedInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = dy;
  const { input, output, kernel, strides, pads } = g;
  if (!builder.uses('strided input gradient')) return null;
  if (input.some((d, i) => d % strides[i] !== 0) || g.dilations.some((d) => d !== 1)) return null;
  const [rows, columns] = [0, 1].map((axis) =>
    range(strides[axis]).map((a) => phase(a, strides[axis], kernel[axis], pads[axis], input[axis], output[axis])),
  );
  if ([...rows, ...columns].some(({ cells, begin, end }) => cells === 0 || begin < 0 || end < 0)) return null;
  const weights = exchanged(builder, packFilter(builder, filter.fullForm()));
  const shape = [g.batch, ...input, g.inChannels];
  return fitting(
    dy,
    'NCHWc',
    shape,
    (source) => interleavedPhases(source, weights, g, rows, columns),
    builder.block ?? 1,
  );
}

function interleavedPhases(
  { builder, name, images, channels, block }: Blocks,
  weights: string,
  { input, output, strides, inChannels }: Geometry,
  rows: readonly Phase[],
  columns: readonly Phase[],
): string {
  const source = builder.reshape(name, [images, channels, ...output]);
  const part = (row: Phase, column: Phase): string => {
    const last = [row, column].map(({ first, cells }, axis) => first + strides[axis] * (cells - 1));
    const attributes = convolutionAttributes({
      kernel: [row.cells, column.cells],
      pads: [row.begin, column.begin, row.end, column.end],
    });
    return builder.emit('nchwc.Conv', [source, backwards(builder, weights, last, strides)], attributes);
  };
  const interleaved = (parts: readonly string[], shape: readonly number[]): string =>
    builder.emit(
      'Concat',
      parts.map((each) => builder.reshape(each, shape)),
      { axis: int(2) },
    );
  const [height, width] = [input[0] / strides[0], input[1] / strides[1]];
  const blocks = images * blocksOf(inChannels, block);
  const lines = rows.map((row) =>
    interleaved(
      columns.map((column) => part(row, column)),
      [blocks * height, width, 1, block],
    ),
  );
  return interleaved(lines, [blocks, height, 1, input[1] * block]);
}
