import type { ImageLayout } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { scaledBytes } from '../../base/image-pixels.js';
import type { PixelScale } from '../../base/preprocess.js';
import type { ImageSize } from '../models/model.js';

/** Normalises an image of bytes [height, width, channels] into `values`, starting at index `at`. */
export type Normaliser = (pixels: Uint8Array, values: Float32Array, at: number) => void;

/** Distance, in values, between the channels of a pixel and between the pixels of a channel. */
const strides: {
  readonly [L in ImageLayout]: (size: ImageSize) => { readonly channel: number; readonly pixel: number };
} = {
  NHWC: ([, , channels]) => ({ channel: 1, pixel: channels }),
  NCHW: ([height, width]) => ({ channel: height * width, pixel: 1 }),
};

/** Normalises with a table of 256 values per channel, which is several times faster than arithmetic. */
export function normaliser(size: ImageSize, layout: ImageLayout, scale: PixelScale): Normaliser {
  const [height, width, channels] = size;
  const { channel, pixel } = strides[layout](size);
  const table = scaledBytes(scale);
  const count = height * width * channels;
  // The most common case takes two thirds of the general loop's time.
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
