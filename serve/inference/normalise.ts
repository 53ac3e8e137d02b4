import type { ImageLayout } from '../../compiler/runtime/classifier/inputs-outputs.js';
import type { ImageSize, Normalisation } from '../models/model.js';

/** Writes one image of bytes [height, width, channels] as a network takes it: into `values`, from `at` on. */
export type Normaliser = (pixels: Uint8Array, values: Float32Array, at: number) => void;

/** How far apart, in values, the channels of a pixel and the pixels of a channel are. */
const strides: {
  readonly [L in ImageLayout]: (size: ImageSize) => { readonly channel: number; readonly pixel: number };
} = {
  NHWC: ([, , channels]) => ({ channel: 1, pixel: channels }),
  NCHW: ([height, width]) => ({ channel: height * width, pixel: 1 }),
};

/** Normalises by a table of the 256 values of each channel, which is several times faster than computing them. */
export function normaliser(size: ImageSize, layout: ImageLayout, { mean, std }: Normalisation): Normaliser {
  const [height, width, channels] = size;
  const { channel, pixel } = strides[layout](size);
  const table = Float32Array.from({ length: channels * 256 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]) / std[i >> 8]);
  const count = height * width * channels;
  // Two thirds of the time of the general form, for most of what there is.
  if (layout === 'NHWC' && channels === 3)
    return (pixels, values, at) => {
      for (let i = 0; i < count; i += 3) {
        values[at + i] = table[pixels[i]];
        values[at + i + 1] = table[256 + pixels[i + 1]];
        values[at + i + 2] = table[512 + pixels[i + 2]];
      }
    };
  return (pixels, values, at) => {
    for (let c = 0; c < channels; c++)
      for (let from = c, to = at + c * channel; from < count; from += channels, to += pixel)
        values[to] = table[256 * c + pixels[from]];
  };
}
