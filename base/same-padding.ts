/**
 * Padding before and after an axis that TensorFlow's `same` stands for: the result has ceil(size / stride) windows, and the
 * larger half stands behind.
 * @param reach what a window covers: its kernel, with the gaps of dilations
 */
export function samePadding(size: number, reach: number, stride: number): readonly [before: number, after: number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  return [total >> 1, total - (total >> 1)];
}
