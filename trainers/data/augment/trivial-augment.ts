import { sum } from '../../../base/statistics.js';
import { identity, rotated, sample, type Affine } from './affine.js';
import { brightness, contrast, saturation } from './colour.js';
import { signed, type ImageShape, type Pixels, type Step } from './image.js';
import type { StepConfig } from './schema.js';

type Operation = (image: Pixels, into: Pixels, strength: number) => void;

/**
 * One random operation of random strength (Mueller & Hutter 2021), with the wide ranges of the paper. Shifts are shares of
 * the side here: the paper's 32 pixels are all of a small image. Borders are reflected instead of black.
 */
export function trivialAugment({ strength }: StepConfig<'trivial-augment'>, shape: ImageShape): Step {
  const operations = Object.values(operationsOn(shape));
  return {
    kind: 'paint',
    paint: (image, into, random) => random.pick(operations)(image, into, strength * signed(random)),
  };
}

const mostShear = 0.99;
const mostShift = 1 / 3;
const mostDegrees = 135;
const mostColour = 0.99;

/** The operations for images of a shape; `strength` in [-1, 1], which 0 leaves the image as it is. */
export function operationsOn(shape: ImageShape): Readonly<Record<string, Operation>> {
  const { height, width, channels } = shape;
  const affine =
    (of: (strength: number) => Partial<Affine>): Operation =>
    (image, into, strength) =>
      sample(image, into, shape, { ...identity, ...of(strength) });
  const colour =
    (change: typeof brightness): Operation =>
    (image, into, strength) =>
      change(image, into, shape, 1 + mostColour * strength);
  return {
    nothing: (image, into) => into.set(image),
    shearX: affine((strength) => ({ xy: mostShear * strength })),
    shearY: affine((strength) => ({ yx: mostShear * strength })),
    shiftX: affine((strength) => ({ x0: mostShift * width * strength })),
    shiftY: affine((strength) => ({ y0: mostShift * height * strength })),
    rotation: affine((strength) => rotated(mostDegrees * strength)),
    brightness: colour(brightness),
    contrast: colour(contrast),
    ...(channels === 3 ? { saturation: colour(saturation) } : {}),
    sharpness: (image, into, strength) => sharpen(image, into, shape, mostColour * strength),
    posterize,
    solarize,
    autocontrast: (image, into, strength) => remap(image, into, channels, Math.abs(strength), stretched),
    equalize: (image, into, strength) => remap(image, into, channels, Math.abs(strength), equalized),
  };
}

/** Keeps the upper 8 to 2 bits of each value. */
const posterize: Operation = (image, into, strength) => {
  const mask = 256 - (1 << Math.round(6 * Math.abs(strength)));
  for (let i = 0; i < image.length; i++) into[i] = image[i] & mask;
};

/** Inverts values from a threshold on. */
const solarize: Operation = (image, into, strength) => {
  const threshold = 256 * (1 - Math.abs(strength));
  for (let i = 0; i < image.length; i++) into[i] = image[i] < threshold ? image[i] : 255 - image[i];
};

/** Adds `amount` times the difference to the smoothed image (3 x 3, the centre counts 5 of 13); the border stays. */
function sharpen(image: Pixels, into: Pixels, { height, width, channels }: ImageShape, amount: number): void {
  const row = width * channels;
  into.set(image);
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let weighted = 4 * image[i];
      for (let above = i - row; above <= i + row; above += row)
        weighted += image[above - channels] + image[above] + image[above + channels];
      into[i] = image[i] + amount * (image[i] - weighted / 13);
    }
  }
}

/** Moves each channel's values towards `target` of its histogram; `share` in [0, 1]. */
function remap(
  image: Pixels,
  into: Pixels,
  channels: number,
  share: number,
  target: (histogram: Uint32Array) => ArrayLike<number>,
): void {
  const histogram = new Uint32Array(256);
  for (let c = 0; c < channels; c++) {
    histogram.fill(0);
    for (let i = c; i < image.length; i += channels) histogram[image[i]]++;
    const values = target(histogram);
    for (let i = c; i < image.length; i += channels) into[i] = image[i] + share * (values[image[i]] - image[i]);
  }
}

/** Values stretched to 0 to 255 (autocontrast). */
function stretched(histogram: Uint32Array): ArrayLike<number> {
  const low = histogram.findIndex((count) => count > 0);
  const high = histogram.findLastIndex((count) => count > 0);
  return Float64Array.from(histogram, (_, value) => (high === low ? value : ((value - low) * 255) / (high - low)));
}

/** Values spread evenly over 0 to 255 (histogram equalisation). */
function equalized(histogram: Uint32Array): ArrayLike<number> {
  const total = sum(histogram);
  const lowest = histogram.find((count) => count > 0) ?? 0;
  let below = -lowest;
  return Float64Array.from(histogram, (count, value) => {
    below += count;
    return total === lowest ? value : (255 * Math.max(0, below)) / (total - lowest);
  });
}
