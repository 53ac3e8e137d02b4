/**
 * Networks as microcontrollers and phones run them: one image, NHWC, operator after operator, in the semantics of TFLite's
 * operators (https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec). A program is made from an
 * ONNX graph, and written as a `.tflite` file or as C.
 */

import { product } from '../../base/statistics.js';

/** What the numbers of a tensor are. Bytes are signed; sums and biases of bytes are `int32`. */
export type Element = 'float32' | 'int8' | 'int32';

/** Numbers of constants, by element. */
export interface ElementArrays {
  readonly float32: Float32Array;
  readonly int8: Int8Array;
  readonly int32: Int32Array;
}

/** value = (integer - zero) · scale. Weights and biases have a scale for each channel along `axis`, and the zero 0. */
export interface Quantization {
  readonly scales: Float32Array;
  readonly zero: number;
  /** Absent: one scale for all. */
  readonly axis?: number;
}

/** Position of a tensor in `EdgeProgram.tensors`. */
export type TensorId = number;

export interface EdgeTensor {
  readonly name: string;
  /** Images: [1, height, width, channels]; vectors: [1, numbers]. */
  readonly shape: readonly number[];
  readonly element: Element;
  /** Of int8 tensors and of int32 biases. */
  readonly quantization?: Quantization;
  /** Constants have numbers, in an array for their `element`. */
  readonly data?: ElementArrays[Element];
}

export const numbersIn = ({ shape }: Pick<EdgeTensor, 'shape'>): number => product(shape);

/** Pixels added around an image: zeros, which int8 stores as the zero of the quantization. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export const noPadding: Padding = { top: 0, left: 0, bottom: 0, right: 0 };
export const isPadded = (padding: Padding): boolean => Object.values(padding).some((size) => size !== 0);

export type Pair = readonly [vertical: number, horizontal: number];

/** What an operator clips its results to. */
export type Clipping = 'none' | 'relu' | 'relu6';

/** Functions of one number; with int8, a table of 256 entries. */
export type Elementwise =
  | { readonly name: 'relu' | 'relu6' | 'hard-swish' | 'hard-sigmoid' | 'sigmoid' | 'tanh' }
  | { readonly name: 'leaky-relu'; readonly slope: number }
  /** The same value at another scale. */
  | { readonly name: 'rescale' };

interface Window {
  readonly strides: Pair;
  readonly padding: Padding;
}

/** Operators and what each has; `inputs` are activations unless said otherwise. */
export interface Operators {
  /** Inputs: image, weights [out, height, width, in / groups], bias [out]. A dense layer is one of 1×1. */
  readonly conv: Window & { readonly groups: number; readonly dilations: Pair; readonly clip: Clipping };
  /** Inputs: image, weights [1, height, width, out], bias [out]; out = in · multiplier. */
  readonly depthwise: Window & { readonly multiplier: number; readonly dilations: Pair; readonly clip: Clipping };
  /** Two inputs of one shape, or the second one [1, 1, 1, channels] or one number; either may be constant. */
  readonly add: { readonly clip: Clipping };
  readonly mul: { readonly clip: Clipping };
  readonly elementwise: { readonly function: Elementwise };
  /** The mean of each channel: [1, height, width, channels] to [1, 1, 1, channels]. */
  readonly mean: object;
  /** Padding counts in neither. */
  readonly 'max-pool': Window & { readonly size: Pair };
  readonly 'average-pool': Window & { readonly size: Pair };
  readonly pad: { readonly padding: Padding };
  /** Each pixel as two rows and two columns of the result, which may lack the last of them. */
  readonly upsample: object;
  /** Along the channels; inputs and output have one quantization. */
  readonly concat: object;
  /** Part of the channels, from `from` on. */
  readonly slice: { readonly from: number };
  /** Channels in groups, transposed: channel g · (channels / groups) + i moves to i · groups + g. */
  readonly shuffle: { readonly groups: number };
  /** The same numbers in another shape. */
  readonly reshape: object;
  readonly softmax: object;
  /** float32 to int8, at the input. */
  readonly quantize: object;
  /** int8 to float32, at the output. */
  readonly dequantize: object;
}

export type OperatorName = keyof Operators;

/** One operator of a program. */
export type EdgeOperator = {
  readonly [K in OperatorName]: Operators[K] & {
    readonly op: K;
    /** The layer of the network it comes from, for messages. */
    readonly label: string;
    readonly inputs: readonly TensorId[];
    readonly output: TensorId;
  };
}[OperatorName];

export type OperatorOf<K extends OperatorName> = Extract<EdgeOperator, { op: K }>;

/** Operators in the order of their computation. */
export interface EdgeProgram {
  readonly tensors: readonly EdgeTensor[];
  readonly operators: readonly EdgeOperator[];
  readonly input: TensorId;
  /** One, or of a detector the maps of its heads. */
  readonly outputs: readonly TensorId[];
  /** Of a segmenter: pixels of the image for each cell of its map. */
  readonly segmentation?: { readonly stride: number } | undefined;
}

/** Whether the program is a detector or a segmenter: its outputs are maps, and a classifier has a vector. */
export const givesMaps = ({ tensors, outputs }: EdgeProgram): boolean => tensors[outputs[0]].shape.length === 4;
