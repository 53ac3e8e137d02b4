import type { ImageLayout } from '../../compiler/runtime/classifier/inputs-outputs.js';

/** Height, width and channels of an image. */
export type ImageSize = readonly [height: number, width: number, channels: number];

/** How pixels become what a network takes: pixel / 255, minus `mean`, by `std`, per channel. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** One ONNX classifier that is served. */
export interface Model {
  /** In addresses and answers: `trial-7`, `trial-7.int8`; of letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** Of the file, lower-case hexadecimal: two models with the same one are the same. */
  readonly sha256: string;
  readonly bytes: number;
  readonly size: ImageSize;
  readonly layout: ImageLayout;
  /** Names of the graph's input and output. */
  readonly input: string;
  readonly output: string;
  /** The only batch size that the file takes; null: any. */
  readonly batch: number | null;
  /** Null where the file does not say: it then takes tensors, and no pixels. */
  readonly normalisation: Normalisation | null;
  /** Names of the outputs, in order; `0`, `1`, ... where the file does not say. */
  readonly classes: readonly string[];
  /** Share of images classified correctly, on the test split where it is known, otherwise on the validation split. */
  readonly accuracy: number | null;
  /** As the file says: `fp32`, `int8`. */
  readonly precision: string;
}

/** The models that are served together, and what they have in common. */
export interface Frontier {
  /** In the order of their names; at least one. */
  readonly models: readonly Model[];
  /** Those among which the scheduler chooses: one alone, or all of known accuracy with the same classes; may be empty. */
  readonly choice: readonly Model[];
}

/** Under this name, the scheduler chooses the network. */
export const choiceName = 'frontier';
