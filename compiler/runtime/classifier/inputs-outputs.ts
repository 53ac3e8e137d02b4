import type { LearningTask, TaskType } from '../../../base/task.js';

export const imageLayouts = ['NHWC', 'NCHW'] as const;
export type ImageLayout = (typeof imageLayouts)[number];

/** The images and classes of some data, such as a data set's description. */
export interface ImageData {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly task: LearningTask;
  /** Names of the outputs. */
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

/** Losses need logits, but many models end in a softmax or, for labels, in a sigmoid. Outputs of regressions are `numbers`. */
export type OutputKind = 'logits' | 'probabilities' | 'numbers';

/** Largest distance of a sum of `classes` probabilities from 1: each of eight bits is rounded by up to half a step. */
const tolerance = (classes: number): number => Math.min(0.5, 1e-3 + classes * (0.5 / 255));
/** Lower bound of probabilities: keeps their logarithm finite. */
const smallest = 1e-12;

const areShares = (row: Float32Array): boolean => row.every((p) => p >= 0 && p <= 1.01);

/**
 * Kind of the outputs of some images. Classes: `probabilities` when every row lies in [0, 1] and sums to 1 as closely as eight bits
 * allow. Labels: when all lie in [0, 1]. A few rows of logits may do so by chance. A model gives probabilities only if the outputs
 * of all batches do so.
 */
export const outputKind: { readonly [T in TaskType]: (rows: Float32Array, outputs: number) => OutputKind } = {
  classification(rows, classes) {
    const most = tolerance(classes);
    for (let start = 0; start < rows.length; start += classes) {
      const row = rows.subarray(start, start + classes);
      const total = row.reduce((a, b) => a + b, 0);
      if (Math.abs(total - 1) > most || !areShares(row)) return 'logits';
    }
    return 'probabilities';
  },
  'multi-label': (rows) => (areShares(rows) ? 'probabilities' : 'logits'),
  regression: () => 'numbers',
  detection: () => 'logits',
  centroids: () => 'logits',
  segmentation: () => 'logits',
};

const log = (p: number): number => Math.log(Math.max(p, smallest));

/** Converts probabilities to logits, up to a constant per image for classes. */
export const probabilitiesToLogits: { readonly [T in TaskType]: (rows: Float32Array) => Float32Array } = {
  classification: (rows) => rows.map(log),
  'multi-label': (rows) => rows.map((p) => log(p) - log(1 - p)),
  regression: (rows) => rows,
  detection: (rows) => rows,
  centroids: (rows) => rows,
  segmentation: (rows) => rows,
};

/**
 * Converts the outputs of a file to outputs as networks are trained: logits, up to a constant per image for classes; or numbers as
 * (value - mean) / std.
 */
export function toTrained(task: LearningTask, kind: OutputKind): (rows: Float32Array) => Float32Array {
  if (task.type !== 'regression') return kind === 'probabilities' ? probabilitiesToLogits[task.type] : (rows) => rows;
  const { mean, std } = task;
  return (rows) => rows.map((value, at) => (value - mean[at % mean.length]) / std[at % mean.length]);
}

/** Arrays with the same outer sizes, joined along their last axis. */
export function joined(parts: readonly { readonly data: Float32Array; readonly depth: number }[]): Float32Array {
  const depth = parts.reduce((sum, part) => sum + part.depth, 0);
  const rows = parts[0].data.length / parts[0].depth;
  const all = new Float32Array(rows * depth);
  let first = 0;
  for (const { data, depth: own } of parts) {
    for (let row = 0; row < rows; row++) all.set(data.subarray(row * own, (row + 1) * own), row * depth + first);
    first += own;
  }
  return all;
}
