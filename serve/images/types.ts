import type { ImageSize } from '../models/model.js';

export interface DecodeOptions {
  /** Of the pixels that are wanted. */
  readonly size: ImageSize;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  readonly isGone: () => boolean;
}

/** Turns files of images into pixels, a bounded number at a time. */
export interface Decoder {
  /** Images that wait to be decoded. */
  readonly depth: number;
  /** Milliseconds until an image that comes now is decoded. */
  readonly expectedMs: number;
  /**
   * Bytes [height, width, channels] of a JPEG, PNG or WebP file, as in training (`toPixels` of base/image-pixels.ts).
   * @throws BadImage when it is none of these, damaged or too large; NotAnswered when its time is over (`expired`, `gone`).
   */
  readonly decode: (file: Uint8Array, options: DecodeOptions) => Promise<Uint8Array>;
}

/** An image that is not taken, and why. */
export class BadImage extends Error {
  /** @param status of HTTP: 400, 413 (too many pixels) or 415 (another format). */
  constructor(
    readonly status: 400 | 413 | 415,
    message: string,
  ) {
    super(message);
  }
}
