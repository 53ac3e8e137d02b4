import type { FitEnum, Sharp } from 'sharp';
import type { PixelScale, Rendering } from './preprocess.js';

export type ImageSize = readonly [height: number, width: number, channels: number];

const sharpFits: { readonly [F in Rendering['fit']]: keyof FitEnum } = {
  cover: 'cover',
  contain: 'contain',
  stretch: 'fill',
};

/** The pixels of an image as a rendering defines them: bytes [height, width, channels]. */
export function toPixels(
  image: Sharp,
  { background, fit, resampling, size: [height, width], channels }: Rendering,
): Sharp {
  return image
    .autoOrient()
    .flatten({ background })
    .resize(width, height, { fit: sharpFits[fit], background, kernel: resampling })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' });
}

/** The value of each byte in each channel, (byte / 255 - mean) / std: [channels, 256]. */
export const scaledBytes = ({ mean, std }: PixelScale): Float32Array =>
  Float32Array.from({ length: mean.length * 256 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]) / std[i >> 8]);

/** Renders pixels [height, width, channels] as a lossless file of them is rendered. */
export async function renderPixels(
  pixels: Uint8Array,
  [height, width, channels]: ImageSize,
  rendering: Rendering,
): Promise<Uint8Array> {
  // Loaded lazily: it is slow to load, and most processes render no image.
  const { default: sharp } = await import('sharp');
  const raw = { height, width, channels: channels === 1 ? 1 : 3 } as const;
  return toPixels(sharp(pixels, { raw }), rendering).toBuffer();
}
