import type { Sharp } from 'sharp';

/**
 * Pixels of an image for training and serving, bytes [height, width, channels]: EXIF orientation applied, transparency over
 * white, resized to cover the size and centre-cropped, sRGB or gray.
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
