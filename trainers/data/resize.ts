/** Height, width and channels of one image. */
export type ImageSize = readonly [height: number, width: number, channels: number];

/** For each target coordinate, the start of its window in the source and the window's weights (sum 1). */
interface Axis {
  readonly starts: Int32Array;
  readonly weights: readonly Float64Array[];
}

/** Triangle filter, widened when shrinking, with aligned pixel centres (as in Pillow's and PyTorch's antialiased bilinear). */
function axis(from: number, to: number): Axis {
  const scale = from / to;
  const support = Math.max(1, scale);
  const starts = new Int32Array(to);
  const weights = Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const last = Math.min(from, Math.floor(centre + support + 0.5));
    starts[i] = first;
    const window = Float64Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k + 0.5 - centre) / support)),
    );
    const total = window.reduce((a, b) => a + b, 0);
    return window.map((w) => w / total);
  });
  return { starts, weights };
}

/** Filters one axis of [outer, from, inner] into [outer, to, inner]. */
function resample(
  data: Float32Array,
  outer: number,
  from: number,
  inner: number,
  { starts, weights }: Axis,
): Float32Array {
  const to = weights.length;
  const result = new Float32Array(outer * to * inner);
  for (let o = 0; o < outer; o++)
    for (const [t, window] of weights.entries()) {
      const source = (o * from + (starts[t] ?? 0)) * inner;
      const target = (o * to + t) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        // The window lies inside the source by construction.
        for (let k = 0; k < window.length; k++) sum += window[k] * data[source + k * inner + i];
        result[target + i] = sum;
      }
    }
  return result;
}

/**
 * Resizes batches of images [size, height, width, channels] (antialiased bilinear), for networks whose space decides the
 * resolution. Images of the right size are returned as they are.
 * @throws Error when the channels differ
 */
export function createResizer(from: ImageSize, to: ImageSize): (images: Float32Array) => Float32Array {
  const [height, width, channels] = from;
  if (channels !== to[2]) throw new Error(`images have ${channels} channels, the network takes ${to[2]}`);
  if (height === to[0] && width === to[1]) return (images) => images;
  const rows = axis(height, to[0]);
  const columns = axis(width, to[1]);
  return (images) => {
    const size = images.length / (height * width * channels);
    const narrowed = resample(images, size * height, width, channels, columns);
    return resample(narrowed, size, height, to[1] * channels, rows);
  };
}
