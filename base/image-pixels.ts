/** How a picture becomes what networks see: the same in training and wherever a trained network is used. */
import type { Sharp } from 'sharp';

/**
 * Pixels of an image, bytes [height, width, channels]: turned upright (EXIF), transparency over white, resized to cover the
 * size, what stands over cut off on both sides, sRGB or gray.
 */
export const toPixels = (
  image: Sharp,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
): Sharp =>
  image
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(width, height, { fit: 'cover' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' });
