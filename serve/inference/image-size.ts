import { invalidInput } from '../../base/errors.js';
import type { ImageSize, Model } from '../models/model.js';

/** Values of one image. */
export const valueCount = ([height, width, channels]: ImageSize): number => height * width * channels;

export const sameSize = (a: ImageSize, b: ImageSize): boolean => a.every((extent, i) => extent === b[i]);

/** As texts show it: `224 x 224 x 3`. */
export const showSize = (size: ImageSize): string => size.join(' x ');

/**
 * Of the images that are taken as pixels: the largest of the models that say how pixels are normalised; the others shrink
 * them. Null: no model does.
 * @throws NasError `invalid-input` when some take images of other channels than others
 */
export function commonSize(models: readonly Model[]): ImageSize | null {
  const takers = models.filter(({ normalisation }) => normalisation !== null);
  if (takers.length === 0) return null;
  const largest = takers.reduce((a, b) => (valueCount(b.size) > valueCount(a.size) ? b : a));
  const other = takers.find(({ size }) => size[2] !== largest.size[2]);
  if (other === undefined) return largest.size;
  throw invalidInput(
    `models that are served together take images of the same channels: '${largest.name}' takes ${showSize(largest.size)}, '${other.name}' ${showSize(other.size)}`,
    { hint: 'Serve them from two folders, by two servers.' },
  );
}
