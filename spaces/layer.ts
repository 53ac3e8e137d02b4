import type { Activation } from './network.js';

/** Height, width, channels of one image's feature map; vectors are 1 x 1 maps. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Activations of primitive layers; the hard sigmoid is relu6(x + 3) / 6. */
export type LayerActivation = Activation | 'hard_sigmoid';

interface Window {
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride: 1 | 2;
}

/** What each kind of layer has besides its name, inputs and shapes. The keys are the kinds. */
interface Parameters {
  input: object;
  /** 'same' padding, no bias (batch norm follows); channels in `groups` independent groups, when given. */
  conv: Window & { readonly groups?: number };
  /** One filter per channel, 'same' padding, no bias. */
  depthwise: Window;
  batch_norm: object;
  /** `standalone`: its input is read elsewhere too, or comes from no convolution, so that nothing can absorb it. */
  activation: { readonly act: LayerActivation; readonly standalone?: true };
  /** Average over each window, 'same' padding; cells outside the map do not count. */
  avg_pool: Window;
  /** Average over height and width. */
  global_pool: object;
  /** With bias. */
  dense: object;
  dropout: { readonly rate: number };
  add: object;
  /** First input times the second, a vector, channel by channel. */
  multiply: object;
  /** Channel shuffle (Zhang et al. 2018): channel i of group g of so many becomes channel g of group i. */
  shuffle: { readonly groups: number };
  /** A map of zeros. */
  zero: object;
}

export type LayerKind = keyof Parameters;

interface LayerBase<K> {
  readonly kind: K;
  /** Unique in its network and stable: `block3_expand`, `block3_depthwise_bn`. */
  readonly name: string;
  /** Positions of the producing layers in the list, all smaller than this layer's own. */
  readonly inputs: readonly number[];
  /** Shape of the first input; of a network's input layer, its own. */
  readonly input: Shape;
  readonly output: Shape;
}

/** A primitive layer of the given kinds. */
export type LayerOf<K extends LayerKind> = { [P in K]: LayerBase<P> & Parameters[P] }[K];

/** A primitive layer: one operation on feature maps. */
export type Layer = LayerOf<LayerKind>;

export type LayerParameters<K extends LayerKind> = Parameters[K];

/** A rule for every kind of layer; leaving one out does not compile. */
export type LayerTable<Result, Extra extends readonly unknown[] = []> = {
  readonly [K in LayerKind]: (layer: LayerOf<K>, ...extra: Extra) => Result;
};

/** Applies the rule for the layer's kind. */
export function applyRule<K extends LayerKind, Result, Extra extends readonly unknown[]>(
  table: LayerTable<Result, Extra>,
  layer: LayerOf<K>,
  ...extra: Extra
): Result {
  return table[layer.kind](layer, ...extra);
}

/** Names of the kernels that make one convolution: its own, or one a group. */
export const convolutionNames = ({ name, groups }: LayerOf<'conv'>): readonly string[] =>
  groups === undefined ? [name] : Array.from({ length: groups }, (_, g) => `${name}_group${g + 1}`);

/**
 * Layers that inference runtimes fold into the layer before them (batch norm, activation) or leave out (dropout): they
 * take no memory and no traffic of their own.
 */
export const isFused = (layer: Layer): boolean =>
  layer.kind === 'batch_norm' || layer.kind === 'dropout' || (layer.kind === 'activation' && layer.standalone !== true);
