import type { KeptImage } from '../../base/seen-images.js';
import { boxesPicture, type PictureOptions } from './box-picture.js';
import { maskPicture } from './mask-picture.js';

/**
 * A picture of an image that a network was evaluated on, from the converted data set, with the outcome of its boxes or pixels.
 * @param classes their names
 * @throws Error when there is no such data set or image
 */
export const seenPicture = async (
  directory: string,
  image: KeptImage,
  classes: readonly string[],
  options: PictureOptions,
): Promise<Buffer> =>
  'boxes' in image ? boxesPicture(directory, image, classes, options) : maskPicture(directory, image, classes, options);
