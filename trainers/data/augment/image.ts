import type { Box } from '../../../base/boxes.js';
import type { Random } from '../../../base/random.js';

/** Extents of one image (HWC). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Extents of an image of which a view is rendered. */
export interface ViewShape extends ImageShape {
  /**
   * Extents in which steps draw their numbers of pixels, which are then scaled: a view of an image is the same in each size
   * that the image was rendered in, to within the rounding of pixels. Absent: the image's own.
   */
  readonly drawnIn?: { readonly height: number; readonly width: number };
}

/** The pixels of one image: [height, width, channels]. Writing rounds and clamps to 0 to 255. */
export type Pixels = Uint8ClampedArray;

/** The row and the column of the image that each row and column of its view shows. */
export interface Gather {
  /** [height] */
  readonly rows: Int32Array;
  /** [width] */
  readonly columns: Int32Array;
}

/** A step of an augmentation for images of one shape; pure functions of the image and the random stream. */
export type Step =
  /** Moves whole rows and columns: changes the gather, not the pixels. */
  | { readonly kind: 'move'; readonly move: (gather: Gather, random: Random) => void }
  /** Computes new pixels. */
  | { readonly kind: 'paint'; readonly paint: Paint }
  /** Draws a rectangle of the finished view that is set to the mean. */
  | { readonly kind: 'cover'; readonly cover: (random: Random) => Box }
  | MixingStep;

/** Writes every pixel of `into`, which is another array than `image`. */
export type Paint = (image: Pixels, into: Pixels, random: Random) => void;

/** Combines two finished, normalised views. */
export interface MixingStep {
  readonly kind: 'mix';
  /** Changes `image` in place. Returns the weight of its own label in [0, 1]; the partner's label has the rest. */
  readonly mix: (image: Float32Array, partner: Float32Array, random: Random) => number;
}

/** A coordinate reflected at the borders of an image, without repeating the border pixel. */
export function reflect(coordinate: number, size: number): number {
  if (coordinate >= 0 && coordinate < size) return coordinate;
  const period = 2 * size - 2;
  if (period === 0) return 0;
  const folded = ((coordinate % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/** A uniform number in [-1, 1). */
export const signed = (random: Random): number => 2 * random.uniform() - 1;

/** The rectangle of these sides around a random pixel, clipped to the image. */
export function randomBox(
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
  rows: number,
  columns: number,
  random: Random,
): Box {
  const top = random.int(height) - (rows >> 1);
  const left = random.int(width) - (columns >> 1);
  return {
    top: Math.max(0, top),
    bottom: Math.min(height, top + rows),
    left: Math.max(0, left),
    right: Math.min(width, left + columns),
  };
}

/** A rectangle of an image as drawn, in the pixels of its rendering. */
export function scaledBox({ top, bottom, left, right }: Box, { height, width, drawnIn }: ViewShape): Box {
  if (drawnIn === undefined) return { top, bottom, left, right };
  const [vertical, horizontal] = [height / drawnIn.height, width / drawnIn.width];
  return {
    top: Math.round(top * vertical),
    bottom: Math.round(bottom * vertical),
    left: Math.round(left * horizontal),
    right: Math.round(right * horizontal),
  };
}
