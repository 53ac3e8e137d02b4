import { range, string } from '../../graph/index.js';
import type { Rewrite } from './writer.js';

/** Less than all numbers. */
const lowest = -3.4028234663852886e38;

/**
 * Max pooling that says where the maxima are: each place of the window is a map cut from the padded images; the first map
 * that has the maximum tells the position.
 */
export const positionInWindow: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const [images, channels, height, width] = w.typeOf(x).shape;
  const [outHeight, outWidth] = w.typeOf(w.node.outputs[0]).shape.slice(2);
  if (!w.isFixed(images)) return null;
  const [rows, columns] = w.intsOf('kernel_shape', []);
  const [down, right] = w.intsOf('strides', [1, 1]);
  const [top, left, bottom, after] = w.intsOf('pads', [0, 0, 0, 0]);
  const pads = w.integers([0, 0, top, left, 0, 0, bottom, after]);
  const padded = w.emit('Pad', [x, pads, w.number(lowest)], { mode: string('constant') });
  const maps = range(rows * columns).map((i) => {
    const from = [Math.floor(i / columns), i % columns];
    const to = [from[0] + (outHeight - 1) * down + 1, from[1] + (outWidth - 1) * right + 1];
    return w.emit('Slice', [padded, ...[from, to, [2, 3], [down, right]].map((numbers) => w.integers(numbers))]);
  });
  const largest = maps.reduce((a, b) => w.emit('Max', [a, b]));
  // In an image, the window's corner, and in the window, the place: the first comes last, and is what stays.
  const place = maps
    .map((map, i) => ({ map, offset: Math.floor(i / columns) * width + (i % columns) }))
    .reduceRight(
      (found, { map, offset }) => {
        const here = w.emit('Equal', [map, largest]);
        return w.emit('Where', [here, w.number(offset, 'int32'), found]);
      },
      w.number(0, 'int32'),
    );
  const corners = range(outHeight).flatMap((i) =>
    range(outWidth).map((j) => (i * down - top) * width + j * right - left),
  );
  const starts = range(images * channels).map((i) => i * height * width);
  const inImage = w.emit('Add', [place, w.constant(corners, [outHeight, outWidth], 'int32')]);
  const positions = w.emit('Add', [inImage, w.constant(starts, [images, channels, 1, 1], 'int32')]);
  return [largest, w.cast(positions, 'int64')];
};
