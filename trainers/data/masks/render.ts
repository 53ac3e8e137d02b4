import type { Extent } from '../../../base/boxes.js';
import { placementIn } from '../../../base/detections.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import type { Size } from '../splits.js';
import { rgb, type Picture } from './picture.js';

/**
 * The mask of a rendering [height, width], by the nearest pixels; outside of the image it is ignored.
 * @param image its size, which the mask is stretched to
 * @param labelOf the class of a value, or -1
 */
export function renderMask(
  picture: Picture,
  image: Extent,
  [height, width]: Size,
  labelOf: (value: number) => number,
): Uint8Array {
  const { channels, data } = picture;
  const { scaleX, scaleY, left, top } = placementIn(image, { size: [height, width], fit: 'contain' });
  const columns = nearest(width, left, (scaleX * image.width) / picture.width, picture.width);
  const rows = nearest(height, top, (scaleY * image.height) / picture.height, picture.height);
  const mask = new Uint8Array(height * width).fill(ignoredPixel);
  for (const [y, row] of rows.entries()) {
    if (row < 0) continue;
    for (const [x, column] of columns.entries()) {
      if (column < 0) continue;
      const at = (row * picture.width + column) * channels;
      const label = labelOf(channels === 1 ? data[at] : rgb(data[at], data[at + 1], data[at + 2]));
      if (label >= 0) mask[y * width + x] = label;
    }
  }
  return mask;
}

/** The pixel of the file for each pixel of a side; -1 outside. */
const nearest = (side: number, start: number, scale: number, most: number): Int32Array =>
  Int32Array.from({ length: side }, (_, i) => {
    const at = Math.floor((i + 0.5 - start) / scale);
    return at >= 0 && at < most ? at : -1;
  });
