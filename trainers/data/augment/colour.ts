import type { ImageShape, Pixels } from './image.js';

/**
 * Changes the colours of an image. Each blends it with a plain version: `factor` 1 is the image, 0 the plain version, and
 * 2 as far on the other side. `into` may be `image`.
 */
type ColourChange = (image: Pixels, into: Pixels, shape: ImageShape, factor: number) => void;

/** Brightness of the pixel at `i`: ITU-R 601 luma. */
const luma = (image: Pixels, i: number, channels: number): number =>
  channels === 3 ? 0.299 * image[i] + 0.587 * image[i + 1] + 0.114 * image[i + 2] : image[i];

/** Plain version: black. */
export const brightness: ColourChange = (image, into, _, factor) => {
  for (let i = 0; i < image.length; i++) into[i] = factor * image[i];
};

/** Plain version: the mean luma. */
export const contrast: ColourChange = (image, into, { channels }, factor) => {
  let sum = 0;
  for (let i = 0; i < image.length; i += channels) sum += luma(image, i, channels);
  const rest = (1 - factor) * (sum / (image.length / channels));
  for (let i = 0; i < image.length; i++) into[i] = rest + factor * image[i];
};

/** Plain version: the image in grey. */
export const saturation: ColourChange = (image, into, { channels }, factor) => {
  for (let i = 0; i < image.length; i += channels) {
    const rest = (1 - factor) * luma(image, i, channels);
    for (let c = 0; c < channels; c++) into[i + c] = rest + factor * image[i + c];
  }
};
