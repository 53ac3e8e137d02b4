/** The parts of a data set; `test` is never shown to training or to the search. */
export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** Decoded images in a row: all the same size, uint8, NHWC. */
export interface ImageBlock {
  /** [count, height, width, channels]. */
  readonly pixels: Uint8Array;
  /** [count], index of the class. */
  readonly labels: ArrayLike<number>;
  /** The part that the source itself assigns; `null`: none, the images are split by us. */
  readonly split: SplitName | null;
}

/** A place that labelled images come from. Opening checks what is cheap to check; reading checks the rest. */
export interface DataSource {
  readonly name: string;
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of images. */
  readonly count: number;
  /** Changes whenever the images may have changed; what the cache is keyed by. */
  readonly fingerprint: string;
  /** All images, in an order that depends on the source's content only. Throws NasError `invalid-input` for bad files. */
  read(signal?: AbortSignal): AsyncIterable<ImageBlock>;
}
