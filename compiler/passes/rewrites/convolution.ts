import type { Rewrite } from './writer.js';

/** A transposed convolution with a second filter of zeros in each group, and every second channel of what it makes. */
export const twoFiltersInGroup: Rewrite = (w) => {
  const { inputs, outputs, attributes } = w.node;
  const [images, filter] = inputs;
  const filters = w.emit('Pad', [filter, w.integers([0, 0, 0, 0, 0, 1, 0, 0])]);
  const both = w.emit('ConvTranspose', [images, filters], attributes);
  const [, channels] = w.typeOf(outputs[0]).shape;
  const [starts, ends, axes, steps] = [[0], [2 * channels], [1], [2]].map((numbers) => w.integers(numbers));
  return [w.emit('Slice', [both, starts, ends, axes, steps])];
};
