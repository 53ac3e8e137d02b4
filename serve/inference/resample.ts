import type { ImageSize } from '../models/model.js';

/** What each place of a line is made of: as many neighbours of the source, from one on, with weights that sum to 1. */
interface Taps {
  readonly starts: Int32Array;
  /** [places, width] */
  readonly weights: Float32Array;
  readonly width: number;
}

/**
 * Bilinear with antialiasing: the triangle is as wide as the source's share of a place, so that shrinking averages all
 * that it covers.
 */
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
 * Stretches images of bytes [height, width, channels] from one size to another of as many channels: each line, then each
 * column. What it returns is valid until the next call.
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
