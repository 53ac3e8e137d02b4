/** Activations, named as in the papers that use them. */
export const activations = ['relu', 'relu6', 'hard_swish', 'swish'] as const;
export type Activation = (typeof activations)[number];

/** A convolution without bias, 'same' padding, followed by batch normalisation and an activation. */
export interface ConvSpec {
  readonly filters: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly act: Activation;
}

/**
 * Inverted residual (Sandler et al. 2018, MobileNetV2): 1x1 expansion to `expandedWidth` (left out when `expand` is
 * 1), k x k depthwise, squeeze-excite when `se` > 0 (hidden width `squeezeWidth`; ReLU, then hard sigmoid: Howard et
 * al. 2019), 1x1 projection without activation, residual when the stride is 1 and the width is kept.
 */
export interface MBConv extends ConvSpec {
  readonly kind: 'mbconv';
  readonly expand: number;
  readonly se: number;
}

/**
 * As `MBConv` with the expansion and the depthwise convolution fused into one k x k convolution (EfficientNetV2, Tan &
 * Le 2021); when `expand` is 1 that convolution gives `filters` itself and there is no projection.
 */
export interface FusedMBConv extends ConvSpec {
  readonly kind: 'fused_mbconv';
  readonly expand: number;
  readonly se: number;
}

/** Two k x k convolutions with a residual, 1x1 projection when the shape changes, activation after the sum (ResNet). */
export interface BasicBlock extends ConvSpec {
  readonly kind: 'basic';
}

export type Block = MBConv | FusedMBConv | BasicBlock;

/** The kinds of block, by their names in YAML. */
export const blockKinds = ['mbconv', 'fused_mbconv', 'basic'] as const satisfies readonly Block['kind'][];
export type BlockKind = (typeof blockKinds)[number];

/** The width inside an inverted residual whose input has `channels` channels. */
export const expandedWidth = (channels: number, expand: number): number => Math.max(1, Math.round(channels * expand));

/** The hidden width of a squeeze-excite module on `channels` channels. */
export const squeezeWidth = (channels: number, se: number): number => Math.max(1, Math.round(channels * se));

/** 1x1 convolution (batch norm, activation), global average pooling, dropout, dense layer to the classes' logits. */
export interface Head {
  /** Width of the 1x1 convolution; 0: no convolution (ResNet). */
  readonly filters: number;
  readonly act: Activation;
  /** Width of a further dense layer with the same activation after the pooling (MobileNetV3); absent: none. */
  readonly hidden?: number;
  /** Dropout rate before the dense layer, in [0, 1). */
  readonly dropout: number;
}

/** A frozen description of an image classifier; all that is needed to build, cost and compare it. */
export interface Network {
  readonly kind: 'network';
  /** Height, width, channels of one image (NHWC without the batch). */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
  readonly stem: ConvSpec;
  readonly blocks: readonly Block[];
  readonly head: Head;
}
