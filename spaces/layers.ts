import { samePadding } from '../base/same-padding.js';
import { boxValues, headNames } from '../base/detections.js';
import type { MapTask } from '../base/task.js';
import type { Activation, Padding, Style } from './network.js';

/** Height, width, channels of one image's feature map; vectors are 1 x 1 maps. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Activations of primitive layers. */
export type LayerActivation = Activation | Style['gate'];

interface Window {
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride: 1 | 2;
}

interface PaddedWindow extends Window {
  /** `same` wherever the paddings do not differ. */
  readonly padding: Padding;
}

/** The parameters of each kind of layer besides its name, inputs and shapes. */
interface Parameters {
  input: object;
  /**
   * No bias (batch norm follows); `groups` is the number of independent channel groups. `identity`: the first filters begin as
   * copies of their input.
   */
  conv: PaddedWindow & { readonly groups?: number; readonly identity?: true };
  /** One filter per channel, no bias. */
  depthwise: PaddedWindow;
  /** `scale`: what its scale begins with; absent: 1. */
  batch_norm: Pick<Style, 'epsilon' | 'momentum'> & { readonly scale?: number };
  /** `standalone`: its input has other readers or comes from no convolution, so no layer can absorb it. */
  activation: { readonly act: LayerActivation; readonly standalone?: true };
  /** Average over each window, 'same' padding; cells outside the map are not counted. */
  avg_pool: Window;
  /** Maximum over each window; cells outside the map are not counted. */
  max_pool: PaddedWindow;
  /** Average over height and width. */
  global_pool: object;
  /** With bias. */
  dense: object;
  dropout: { readonly rate: number };
  add: object;
  /** First input times the second, a vector with one entry per channel. */
  multiply: object;
  /** A map of zeros. */
  zero: object;
  /** Each pixel four times, two by two; without the last row or column where the output is one short. */
  upsample: object;
  /**
   * Class logits and a box for each pixel: two convolutions of 1x1 with bias, concatenated; of centroids and masks, the logits alone. `stride`:
   * of the pixels in the image.
   */
  detections: { readonly stride: number; readonly task: MapTask };
}

export type LayerKind = keyof Parameters;

interface LayerBase<K> {
  readonly kind: K;
  /** Unique in its network: `block3_expand`, `block3_depthwise_bn`. */
  readonly name: string;
  /** Positions of the producing layers in the list, all smaller than this layer's own. */
  readonly inputs: readonly number[];
  /** Shape of the first input; the input layer's own shape. */
  readonly input: Shape;
  readonly output: Shape;
}

/** A primitive layer of the given kinds. */
export type LayerOf<K extends LayerKind> = { [P in K]: LayerBase<P> & Parameters[P] }[K];

/** A primitive layer: one operation on feature maps. */
export type Layer = LayerOf<LayerKind>;

export type LayerParameters<K extends LayerKind> = Parameters[K];

/** One rule for every kind of layer, complete by type. */
export type LayerTable<Result, Extra extends readonly unknown[] = []> = {
  readonly [K in LayerKind]: (layer: LayerOf<K>, ...extra: Extra) => Result;
};

export function applyRule<K extends LayerKind, Result, Extra extends readonly unknown[]>(
  table: LayerTable<Result, Extra>,
  layer: LayerOf<K>,
  ...extra: Extra
): Result {
  return table[layer.kind](layer, ...extra);
}

/** Names of the kernels of a convolution: one, or one for each group. */
export const convolutionNames = ({ name, groups }: LayerOf<'conv'>): readonly string[] =>
  groups === undefined ? [name] : Array.from({ length: groups }, (_, g) => `${name}_group${g + 1}`);

/** The heads of a detector: the name of the output, and the number of values for a cell. */
export const headsOf = ({ task, output }: Pick<LayerOf<'detections'>, 'task' | 'output'>) =>
  headNames[task].map((name) => [name, name === 'boxes' ? boxValues[task] : output[2] - boxValues[task]] as const);

/** Whether inference runtimes fold the layer into the one before or drop it: it costs no memory and no traffic. */
export const isFused = (layer: Layer): boolean =>
  layer.kind === 'batch_norm' || layer.kind === 'dropout' || (layer.kind === 'activation' && layer.standalone !== true);

/** A layer that moves a window over an image. */
export type Windowed = Pick<LayerOf<'avg_pool' | 'max_pool'>, 'kernel' | 'stride' | 'input' | 'output'> & {
  readonly padding?: Padding;
};

/** Padding before and after the image on an axis (0 is the height): TensorFlow's 'same', or half the kernel. */
export function paddingAlong({ kernel, stride, padding, input }: Windowed, axis: 0 | 1) {
  if (padding === 'symmetric') return [kernel >> 1, kernel >> 1] as const;
  return samePadding(input[axis], kernel, stride);
}
