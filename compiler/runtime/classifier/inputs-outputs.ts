export const imageLayouts = ['NHWC', 'NCHW'] as const;
export type ImageLayout = (typeof imageLayouts)[number];

/** The images and classes of some data, such as a data set's description. */
export interface ImageData {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: readonly string[];
  /** The normalisation, per channel of pixel / 255. */
  readonly mean: readonly number[];
  /** At least `leastStd`. */
  readonly std: readonly number[];
}

/** Lower bound of the standard deviation of data: one grey level. A constant channel then becomes 0. */
export const leastStd = 1 / 255;

/** Shape of one image in a layout. */
export const imageShape: {
  readonly [L in ImageLayout]: (
    image: Pick<ImageData, 'height' | 'width' | 'channels'>,
  ) => readonly [number, number, number];
} = {
  NHWC: ({ height, width, channels }) => [height, width, channels],
  NCHW: ({ height, width, channels }) => [channels, height, width],
};

/** Losses need logits, but many models end in a softmax. */
export type OutputKind = 'logits' | 'probabilities';

/** Largest distance of a sum of `classes` probabilities from 1: each of eight bits is rounded by up to half a step. */
const tolerance = (classes: number): number => Math.min(0.5, 1e-3 + classes * (0.5 / 255));
/** Lower bound of probabilities: keeps their logarithm finite. */
const smallest = 1e-12;

/**
 * `probabilities` when every row lies in [0, 1] and sums to 1 as closely as eight bits allow. A few rows of logits may do so
 * by chance. A model gives probabilities only if the outputs of all batches do so.
 */
export function outputKind(rows: Float32Array, classes: number): OutputKind {
  const most = tolerance(classes);
  for (let start = 0; start < rows.length; start += classes) {
    const row = rows.subarray(start, start + classes);
    const total = row.reduce((a, b) => a + b, 0);
    if (Math.abs(total - 1) > most || row.some((p) => !(p >= 0 && p <= 1.01))) return 'logits';
  }
  return 'probabilities';
}

/** Converts outputs to logits; logarithms of probabilities equal the logits up to a constant per row. */
export const toLogits: { readonly [K in OutputKind]: (rows: Float32Array) => Float32Array } = {
  logits: (rows) => rows,
  probabilities: (rows) => rows.map((p) => Math.log(Math.max(p, smallest))),
};
