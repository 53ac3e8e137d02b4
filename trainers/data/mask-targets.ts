import { ignoredPixel } from '../../base/seen-masks.js';
import type { Grid } from './box-targets.js';
import type { Size } from './splits.js';

/**
 * Writes the targets [rows, columns, classes] of an image: the share of each class among the pixels of a cell. Ignored pixels have no
 * class, so that the shares of a cell with some sum to less than 1.
 * @param mask [height, width]
 */
export function writeMaskTargets(
  { rows, columns, stride }: Grid,
  mask: Uint8Array,
  [height, width]: Size,
  classes: number,
  into: Float32Array,
): void {
  into.fill(0);
  for (let row = 0; row < rows; row++) {
    const bottom = Math.min(height, (row + 1) * stride);
    for (let column = 0; column < columns; column++) {
      const right = Math.min(width, (column + 1) * stride);
      const share = 1 / ((bottom - row * stride) * (right - column * stride));
      const cell = (row * columns + column) * classes;
      for (let y = row * stride; y < bottom; y++)
        for (let x = column * stride; x < right; x++) {
          const label = mask[y * width + x];
          if (label !== ignoredPixel) into[cell + label] += share;
        }
    }
  }
}
