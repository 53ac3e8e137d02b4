import type { ImageLayout } from '../../compiler/runtime/classifier/inputs-outputs.js';
import type { ImageSize, Normalisation } from '../models/model.js';

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
export function normaliser(size: ImageSize, layout: ImageLayout, { mean, std }: Normalisation): Normaliser {
  const [height, width, channels] = size;
  const { channel, pixel } = strides[layout](size);
  const table = Float32Array.from({ length: channels * 256 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]) / std[i >> 8]);
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

/** Filter of a resize along one axis: each target position is a weighted sum of `width` source neighbours. */
interface Taps {
  readonly starts: Int32Array;
  /** [target positions, width]; the weights of a position sum to 1. */
  readonly weights: Float32Array;
  readonly width: number;
}

/** Bilinear filter with antialiasing: the triangle widens with the scale, so that shrinking averages all covered pixels. */
function taps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(1, scale);
  const width = Math.min(from, Math.ceil(2 * support));
  const starts = new Int32Array(to);
  const weights = new Float32Array(to * width);
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale - 0.5;
    const start = Math.min(from - width, Math.max(0, Math.floor(centre - support) + 1));
    const triangle = Array.from({ length: width }, (_, i) => Math.max(0, 1 - Math.abs(start + i - centre) / support));
    const total = triangle.reduce((a, b) => a + b, 0);
    starts[place] = start;
    weights.set(
      triangle.map((weight) => weight / total),
      place * width,
    );
  }
  return { starts, weights, width };
}

/**
 * Resizes images of bytes [height, width, channels], rows first, then columns. The result is valid until the next call.
 */
export function resampler(
  [height, width, channels]: ImageSize,
  [toHeight, toWidth]: ImageSize,
): (pixels: Uint8Array) => Uint8Array {
  const across = taps(width, toWidth);
  const down = taps(height, toHeight);
  const rowLength = toWidth * channels;
  const rows = new Float32Array(height * rowLength);
  const result = new Uint8Array(toHeight * rowLength);

  const narrow = (pixels: Uint8Array): void => {
    for (let y = 0, to = 0; y < height; y++)
      for (let x = 0; x < toWidth; x++)
        for (let c = 0; c < channels; c++, to++) {
          let from = (y * width + across.starts[x]) * channels + c;
          let sum = 0;
          for (let i = x * across.width; i < (x + 1) * across.width; i++, from += channels)
            sum += across.weights[i] * pixels[from];
          rows[to] = sum;
        }
  };

  return (pixels) => {
    narrow(pixels);
    for (let y = 0, to = 0; y < toHeight; y++)
      for (let x = 0; x < rowLength; x++, to++) {
        let from = down.starts[y] * rowLength + x;
        let sum = 0.5;
        for (let i = y * down.width; i < (y + 1) * down.width; i++, from += rowLength)
          sum += down.weights[i] * rows[from];
        result[to] = sum;
      }
    return result;
  };
}
