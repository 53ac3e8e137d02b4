import { sizeOf, type GraphBuilder } from '../../graph/index.js';
import { CNHW, IOHW } from '../../values/layout.js';
import { Val } from '../../values/value.js';
import type { Geometry } from '../geometry.js';

/**
 * Depthwise convolutions of small images as matrix products: ONNX Runtime's own kernels on the CPU are slow (they multiply
 * matrices of one row). With the pixels of a channel as rows of X [images, H*W], and the filter spread out to a matrix
 * T [H*W, Ho*Wo] (a Toeplitz matrix: T = sum over the cells k of w_k M_k, M_k constant zeros and ones):
 *
 *   Y = X T,   dX = dY T^T,   dw_k = sum of (X^T dY) * M_k.
 */

/** Largest T that is worth its multiplications by zero. */
const smallMap = 2 ** 14;
/** The same for the filter's gradient, where the alternative is slower still. */
const mediumMap = 2 ** 16;
/** Numbers of the largest constant. */
const largestConstant = 2 ** 20;

const entries = (g: Geometry): number => sizeOf(g.input) * sizeOf(g.output);

function suits(builder: GraphBuilder, g: Geometry, limit: number): boolean {
  const plain = builder.target.matrices && builder.dynamicBatch === null;
  const single = g.depthwise && g.inChannels === g.outChannels;
  return plain && single && entries(g) <= limit && sizeOf(g.kernel) * entries(g) <= largestConstant;
}

/** Constants of each graph by geometry: making and comparing them would dominate the trace. */
const made = new WeakMap<GraphBuilder, Map<string, string>>();

/** The matrices M_k as rows: [kh*kw, H*W * Ho*Wo]. */
function cellMatrices(builder: GraphBuilder, g: Geometry): string {
  const known = made.get(builder) ?? new Map<string, string>();
  made.set(builder, known);
  const key = JSON.stringify([g.kernel, g.input, g.output, g.strides, g.dilations, g.pads]);
  const name = known.get(key) ?? builder.addConstant(cellNumbers(g), [sizeOf(g.kernel), entries(g)], 'float32');
  known.set(key, name);
  return name;
}

function cellNumbers(g: Geometry): Float32Array {
  const { kernel, input, output, strides, dilations, pads } = g;
  const cells = sizeOf(kernel);
  const outputs = sizeOf(output);
  const data = new Float32Array(cells * entries(g));
  for (let cell = 0; cell < cells; cell++)
    for (let out = 0; out < outputs; out++) {
      const [row, column] = [
        Math.floor(out / output[1]) * strides[0] + Math.floor(cell / kernel[1]) * dilations[0] - pads[0],
        (out % output[1]) * strides[1] + (cell % kernel[1]) * dilations[1] - pads[1],
      ];
      if (row < 0 || row >= input[0] || column < 0 || column >= input[1]) continue;
      data[cell * entries(g) + (row * input[1] + column) * outputs + out] = 1;
    }
  return data;
}

/** T for every channel: [C, H*W, Ho*Wo]. */
function spreadFilter(filter: Val, g: Geometry): string {
  const { builder } = filter;
  const weights = builder.reshape(filter.fullForm(IOHW), [g.inChannels, sizeOf(g.kernel)]);
  const spread = builder.emit('MatMul', [weights, cellMatrices(builder, g)]);
  return builder.reshape(spread, [g.inChannels, sizeOf(g.input), sizeOf(g.output)]);
}

/** The pixels of each channel as one row per image: [C, N, H*W]. */
const rowsOf = (images: Val): string => {
  const [n, h, w, c] = images.shape;
  return images.builder.reshape(images.fullForm(CNHW), [c, n, h * w]);
};

const fromRows = (builder: GraphBuilder, rows: string, g: Geometry, image: readonly number[]): Val =>
  Val.of(
    builder,
    builder.reshape(rows, [g.inChannels, g.batch, ...image]),
    [g.batch, ...image, g.inChannels],
    'float32',
    CNHW,
  );

/** The convolution as a matrix product; null where another lowering is faster. */
export function matricesForward(x: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = x;
  if (!suits(builder, g, smallMap)) return null;
  return fromRows(builder, builder.emit('MatMul', [rowsOf(x), spreadFilter(filter, g)]), g, g.output);
}

/** As `matricesForward`, for the input's gradient. */
export function matricesInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  const { builder } = dy;
  if (!suits(builder, g, smallMap)) return null;
  const turned = builder.transpose(spreadFilter(filter, g), [0, 2, 1]);
  return fromRows(builder, builder.emit('MatMul', [rowsOf(dy), turned]), g, g.input);
}

/** As `matricesForward`, for the filter's gradient. */
export function matricesFilterGradient(x: Val, dy: Val, g: Geometry): Val | null {
  const { builder } = x;
  if (!suits(builder, g, mediumMap)) return null;
  const products = builder.emit('MatMul', [builder.transpose(rowsOf(x), [0, 2, 1]), rowsOf(dy)]);
  const flat = builder.reshape(products, [g.inChannels, entries(g)]);
  const sums = builder.emit('MatMul', [flat, builder.transpose(cellMatrices(builder, g), [1, 0])]);
  const shape = [...g.kernel, g.inChannels, 1];
  return Val.of(builder, builder.reshape(sums, [g.inChannels, 1, ...g.kernel]), shape, 'float32', IOHW);
}
