import type { Layout } from './metadata.js';

/** The images and classes that a classifier is used on; a data set's description will do. */
export interface ImageData {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: readonly string[];
  /** Per channel of pixel / 255: how the images are normalised. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Extents of one image in a layout. */
export const imageShape: {
  readonly [L in Layout]: (
    image: Pick<ImageData, 'height' | 'width' | 'channels'>,
  ) => readonly [number, number, number];
} = {
  NHWC: ({ height, width, channels }) => [height, width, channels],
  NCHW: ({ height, width, channels }) => [channels, height, width],
};
