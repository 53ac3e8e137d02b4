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
 * Inverted residual (Sandler et al. 2018, MobileNetV2): 1x1 expansion (left out when `expand` is 1), k x k depthwise,
 * squeeze-excite when `se` > 0 (hidden width = se x expanded width; ReLU, then hard sigmoid: Howard et al. 2019),
 * 1x1 projection without activation, residual when the stride is 1 and the width is kept.
 */
export interface MBConv extends ConvSpec {
  readonly kind: 'mbconv';
  readonly expand: number;
  readonly se: number;
}

/** As `MBConv` with the expansion and the depthwise convolution fused into one k x k convolution (EfficientNetV2). */
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

/** 1x1 convolution (batch norm, activation), global average pooling, dropout, dense layer to the classes' logits. */
export interface Head {
  readonly filters: number;
  readonly act: Activation;
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
