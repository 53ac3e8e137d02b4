import { Random } from '../../base/random.js';
import type { AugmentConfig } from './schema.js';

/** Extents of one image (HWC). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The random choices of one augmented image, in pixels. */
export interface Transform {
  /** Shift of the crop. */
  readonly dy: number;
  readonly dx: number;
  readonly flip: boolean;
  /** The cut-out square, clipped to the image; empty when `bottom` is `top`. */
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

const identity: Transform = { dy: 0, dx: 0, flip: false, top: 0, bottom: 0, left: 0, right: 0 };

/** Draws a transform. The cut-out square may extend over the border (DeVries & Taylor 2017). */
export function drawTransform(augment: AugmentConfig, { height, width }: ImageShape, random: Random): Transform {
  const dy = random.int(2 * augment.crop + 1) - augment.crop;
  const dx = random.int(2 * augment.crop + 1) - augment.crop;
  const flip = random.uniform() < 0.5 && augment.flip;
  const top = random.int(height) - (augment.cutout >> 1);
  const left = random.int(width) - (augment.cutout >> 1);
  if (augment.cutout === 0) return { ...identity, dy, dx, flip };
  return {
    dy,
    dx,
    flip,
    top: Math.max(0, top),
    bottom: Math.min(height, top + augment.cutout),
    left: Math.max(0, left),
    right: Math.min(width, left + augment.cutout),
  };
}

/** A coordinate reflected at the borders of an image, without repeating the border pixel. */
export function reflect(coordinate: number, size: number): number {
  const period = 2 * size - 2;
  if (period === 0) return 0;
  const folded = ((coordinate % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/** Converts uint8 images to normalised float32 images with a transform, without allocations per image. */
export class Renderer {
  /** Normalised value for each pixel value: [channels, 256]. */
  private readonly values: Float32Array;
  /** Offset in a source row for each column of the result. */
  private readonly columns: Int32Array;

  constructor(
    private readonly shape: ImageShape,
    mean: readonly number[],
    std: readonly number[],
  ) {
    // A constant channel (std 0) becomes 0 instead of NaN.
    this.values = Float32Array.from(
      { length: shape.channels * 256 },
      (_, i) => ((i & 255) / 255 - mean[i >> 8]) / Math.max(std[i >> 8], 1e-6),
    );
    this.columns = new Int32Array(shape.width);
  }

  /** Renders the image at `from` in `source` to `to` in `target`; the cut-out square becomes 0, which is the mean. */
  render(source: Uint8Array, from: number, target: Float32Array, to: number, transform: Transform): void {
    const { height, width, channels } = this.shape;
    const { values, columns } = this;
    for (let x = 0; x < width; x++) {
      const column = reflect((transform.flip ? width - 1 - x : x) + transform.dx, width);
      columns[x] = column * channels;
    }
    const row = width * channels;
    for (let y = 0, out = to; y < height; y++) {
      const start = from + reflect(y + transform.dy, height) * row;
      if (channels === 1) {
        for (let x = 0; x < width; x++) target[out++] = values[source[start + columns[x]]];
      } else {
        for (let x = 0; x < width; x++) {
          const pixel = start + columns[x];
          for (let c = 0; c < channels; c++) target[out++] = values[(c << 8) | source[pixel + c]];
        }
      }
      if (y >= transform.top && y < transform.bottom) {
        target.fill(0, out - row + transform.left * channels, out - row + transform.right * channels);
      }
    }
  }
}

/** Another image that mixup adds to a view (Zhang et al. 2018). */
interface Mix {
  readonly partner: number;
  readonly transform: Transform;
  /** Weight of the image itself in [0, 1]; the partner has 1 - `weight`, in pixels and in labels. */
  readonly weight: number;
}

/** One presentation of an image. */
interface View {
  readonly transform: Transform;
  readonly mix: Mix | null;
}

const plain: View = { transform: identity, mix: null };

/** The view of a pass over the images; passes cycle through the `views`. */
export const viewOfPass = (pass: number, augment: AugmentConfig | null): number =>
  augment === null ? 0 : pass % augment.views;

/**
 * View `view` of the image at `position` among `count`: a pure function of its arguments in every process. Without
 * augmentation: the image itself.
 */
export function viewOf(
  augment: AugmentConfig | null,
  shape: ImageShape,
  seed: number,
  view: number,
  position: number,
  count: number,
): View {
  if (augment === null) return plain;
  const random = new Random(seed, 'view', view, position);
  const transform = drawTransform(augment, shape, random);
  if (augment.mixup === 0) return { transform, mix: null };
  const partner = random.int(count);
  return {
    transform,
    mix: { partner, transform: drawTransform(augment, shape, random), weight: drawBeta(augment.mixup, random) },
  };
}

/** Beta(a, a) from two Gamma variates. */
function drawBeta(a: number, random: Random): number {
  const x = drawLogGamma(a, random);
  const y = drawLogGamma(a, random);
  return 1 / (1 + Math.exp(y - x));
}

/**
 * Logarithm of a Gamma(a, 1) variate (Marsaglia & Tsang 2000, with their boost for a < 1); the variate itself underflows
 * for small a.
 */
function drawLogGamma(a: number, random: Random): number {
  if (a < 1) return drawLogGamma(a + 1, random) + Math.log(1 - random.uniform()) / a;
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return Math.log(d) + Math.log(v);
    }
  }
}
