import {
  numbersIn,
  type EdgeOperator,
  type EdgeProgram,
  type EdgeTensor,
  type OperatorName,
  type OperatorOf,
  type Operators,
} from './program.js';
import { imageShape } from './reference.js';

/**
 * How far results may lie over inputs. The kernels in C compute pixels from the first to the last, so a result may overwrite what
 * no later pixel reads: then a layer needs little more memory than the larger of the two ("diagonal memory",
 * https://arxiv.org/abs/2010.01668). A distance of d bytes: the result begins at least d bytes before the input.
 */

type Distance<K extends OperatorName> = (
  operator: OperatorOf<K>,
  input: EdgeTensor,
  output: EdgeTensor,
  position: number,
  tensors: EdgeProgram['tensors'],
) => number | undefined;

/** Whether the kernel of convolutions reads the image in place; otherwise it copies the window of each pixel. */
export function readsInPlace(
  { padding: { top, left, bottom, right } }: { readonly padding: Operators['conv']['padding'] },
  weights: EdgeTensor,
): boolean {
  return weights.shape[1] * weights.shape[2] === 1 && top + left + bottom + right === 0;
}

/** Pixels that the kernel of convolutions computes together. */
const PIXELS_TOGETHER = 2;

/** Rows or columns of an output at which a distance may be largest: those whose windows begin before the image, and the last. */
const corners = (size: number, stride: number, before: number): number[] => {
  const first = Math.min(Math.ceil(before / stride) + PIXELS_TOGETHER, size);
  const last = Math.max(first, size - PIXELS_TOGETHER - 1);
  return Array.from({ length: first + size - last }, (_, i) => (i < first ? i : last + i - first));
};

/**
 * The largest distance between the end of what is written and the start of what is still read. Between the corners, both grow
 * evenly from one group of pixels to the next.
 * @param together pixels whose results are written before the next window is read
 * @param copied whether a window is copied before results are written
 */
export function windowDistance(
  { strides, padding }: Pick<Operators['conv'], 'strides' | 'padding'>,
  input: EdgeTensor,
  output: EdgeTensor,
  together: number,
  copied: boolean,
): number {
  const [, width, channels] = imageShape(input);
  const [outHeight, outWidth, outChannels] = imageShape(output);
  const pixels = outHeight * outWidth;
  // Reads of a pixel start at the first row and column of its window inside the image; the next row may start before them.
  const start = (row: number, column: number): number =>
    (Math.max(row * strides[0] - padding.top, 0) * width + Math.max(column * strides[1] - padding.left, 0)) * channels;
  const unread = (pixel: number): number => {
    if (pixel >= pixels) return Infinity;
    const row = Math.floor(pixel / outWidth);
    const own = start(row, pixel % outWidth);
    return row + 1 < outHeight ? Math.min(own, start(row + 1, 0)) : own;
  };
  const columns = corners(outWidth, strides[1], padding.left);
  let distance = 0;
  for (const row of corners(outHeight, strides[0], padding.top))
    for (const column of columns) {
      const pixel = row * outWidth + column;
      const first = pixel - (pixel % together);
      const end = Math.min(first + together, pixels);
      distance = Math.max(distance, end * outChannels - unread(copied ? end : first));
    }
  return distance;
}

const pooled = (
  window: Pick<Operators['conv'], 'strides' | 'padding'>,
  input: EdgeTensor,
  output: EdgeTensor,
): number => windowDistance(window, input, output, 1, false);

const sameLength = (_: unknown, input: EdgeTensor, output: EdgeTensor): number | undefined =>
  numbersIn(input) === numbersIn(output) ? 0 : undefined;

const apart = (): undefined => undefined;

const distances: { readonly [K in OperatorName]: Distance<K> } = {
  conv: (operator, input, output, position, tensors) => {
    if (position > 0) return undefined;
    const copied = operator.groups === 1 && !readsInPlace(operator, tensors[operator.inputs[1]]);
    return windowDistance(operator, input, output, PIXELS_TOGETHER, copied);
  },
  depthwise: (operator, input, output, position) => (position === 0 ? pooled(operator, input, output) : undefined),
  add: sameLength,
  mul: sameLength,
  elementwise: () => 0,
  mean: () => 0,
  'max-pool': pooled,
  'average-pool': pooled,
  pad: apart,
  // The row that is read lies behind what is written until the last row begins.
  upsample: (_, input, output) => {
    const [, width, channels] = imageShape(input);
    const [height, outWidth] = imageShape(output);
    return (height * outWidth - ((height - 1) >> 1) * width) * channels;
  },
  concat: apart,
  slice: () => 0,
  // Within a pixel, channels are read in another order than written.
  shuffle: (_, input) => imageShape(input)[2],
  reshape: () => 0,
  softmax: apart,
  quantize: apart,
  dequantize: apart,
};

/**
 * How many bytes before an input the operator's output must begin to share the input's memory, which nothing reads afterwards.
 * Undefined: the two may not overlap.
 * @param position of the input among the operator's
 */
export function overlapDistance(
  { tensors }: EdgeProgram,
  operator: EdgeOperator,
  position: number,
): number | undefined {
  const [input, output] = [tensors[operator.inputs[position]], tensors[operator.output]];
  return (distances[operator.op] as Distance<OperatorName>)(operator, input, output, position, tensors);
}

/** Bytes that an operator needs beside its tensors while it runs: the windows of the pixels computed together. */
export function scratchBytes({ tensors }: EdgeProgram, operator: EdgeOperator): number {
  if (operator.op !== 'conv') return 0;
  const weights = tensors[operator.inputs[1]];
  const [, rows, columns, depth] = weights.shape;
  return readsInPlace(operator, weights) ? 0 : PIXELS_TOGETHER * rows * columns * depth;
}
