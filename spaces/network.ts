import { boxValues } from '../base/detections.js';
import type { MapTask } from '../base/task.js';
import type { Cell } from './cells.js';

/** Activations, named as in the papers that use them. */
export const activations = ['relu', 'relu6', 'hard_swish', 'swish'] as const;
export type Activation = (typeof activations)[number];

/** Gates of squeeze-excite; the hard sigmoid is relu6(x + 3) / 6 (Howard et al. 2019). */
export const gates = ['hard_sigmoid', 'sigmoid'] as const;

/** Paddings of convolutions: TensorFlow's 'same' pads the end more, PyTorch pads all sides by half the kernel. */
export const paddings = ['same', 'symmetric'] as const;
export type Padding = (typeof paddings)[number];

/** Details of layers that libraries define differently. */
export interface Style {
  /** What batch norm adds to the variance. */
  readonly epsilon: number;
  /** Share of batch norm's moving statistics that a training step keeps, in [0, 1). */
  readonly momentum: number;
  /** The paddings differ where a stride of 2 halves an even number of pixels. */
  readonly padding: Padding;
  /** Activation of squeeze-excite's reduced layer. */
  readonly squeeze: Activation;
  /** Squeeze-excite's last activation. */
  readonly gate: (typeof gates)[number];
}

/** The style of networks that do not say otherwise. */
export const ownStyle: Style = {
  epsilon: 1e-3,
  momentum: 0.9,
  padding: 'same',
  squeeze: 'relu',
  gate: 'hard_sigmoid',
};

/** A convolution without bias, padded by the network's style, followed by batch normalisation and an activation. */
export interface ConvSpec {
  readonly filters: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly act: Activation;
}

/**
 * Inverted residual (Sandler et al. 2018, MobileNetV2): 1x1 expansion to `expandedWidth` (omitted unless `hasExpansion`),
 * k x k depthwise, squeeze-excite when `se` > 0 (hidden width `squeezeWidth`; activations of the network's style), 1x1
 * projection without activation, residual when stride is 1 and the width is unchanged.
 *
 * `before` and kernel 0 make it the universal inverted bottleneck (Qin et al. 2024, MobileNetV4): both depthwise
 * convolutions (extra depthwise), only the first (ConvNeXt-like), or, at stride 1, neither (feed-forward; at expansion 1 the
 * projection alone).
 */
export interface MBConv extends ConvSpec {
  readonly kind: 'mbconv';
  readonly expand: number;
  readonly se: number;
  /**
   * Side of a depthwise kernel before the expansion, without activation; absent: none. It has the block's stride when
   * `kernel` is 0.
   */
  readonly before?: number;
}

/**
 * `MBConv` with expansion and depthwise convolution fused into one k x k convolution (EfficientNetV2, Tan & Le 2021); when
 * `expand` is 1 that convolution gives `filters` itself and there is no projection.
 */
export interface FusedMBConv extends ConvSpec {
  readonly kind: 'fused_mbconv';
  readonly expand: number;
  readonly se: number;
  /** Number of channel groups of the k x k convolution (MobileNet-EdgeTPU-V2), 2 or more; absent: one. */
  readonly groups?: number;
}

/**
 * Depthwise separable convolution (Howard et al. 2017, MobileNetV1): k x k depthwise, squeeze-excite when `se` > 0 (late, as
 * in PP-LCNet, Cui et al. 2021), 1x1 convolution; both convolutions with activation, no residual.
 */
export interface SeparableBlock extends ConvSpec {
  readonly kind: 'separable';
  readonly se: number;
}

/** Two k x k convolutions with a residual, 1x1 projection when the shape changes, activation after the sum (ResNet). */
export interface BasicBlock extends ConvSpec {
  readonly kind: 'basic';
  /** Width of the first convolution; absent: `filters`. */
  readonly hidden?: number;
}

/**
 * 1x1 convolution, k x k convolution with the stride, 1x1 convolution, with a residual, 1x1 projection when the shape changes,
 * activation after the sum (ResNet-50 and deeper, He et al. 2016; the stride lies as in torchvision).
 */
export interface BottleneckBlock extends ConvSpec {
  readonly kind: 'bottleneck';
  /** Width of the first two convolutions. */
  readonly hidden: number;
  /** Width of the second one where it is another (pruned networks); absent: `hidden`. */
  readonly middle?: number;
}

/** A convolution by itself: MobileNetV4's first ones, or the projection that replaces a skipped layer where the shape changes. */
export interface ConvBlock extends ConvSpec {
  readonly kind: 'conv';
}

/**
 * A convolution of stride 1, then a maximum over windows of 2 x 2 (at stride 2), batch norm and activation: for short trainings
 * (airbench, Jordan 2024).
 */
export interface PooledBlock extends ConvSpec {
  readonly kind: 'pooled';
}

/**
 * A cell of NAS-Bench-201 (Dong & Yang 2020): a graph of four nodes with an operation on each edge. A node is the sum of
 * its edges; a convolution is ReLU, convolution, batch norm. The cell keeps the shape of its input. Only edges that reach
 * the output are built; without any, the output is zero.
 */
export interface CellBlock {
  readonly kind: 'cell';
  readonly cell: Cell;
}

/**
 * The residual block between the stages of NAS-Bench-201: twice ReLU, 3x3 convolution, batch norm, the first with stride
 * 2; the shortcut is 2x2 average pooling and a 1x1 convolution.
 */
export interface ReductionBlock {
  readonly kind: 'reduction';
  readonly filters: number;
}

/** Blocks of the YAML spaces that consist of stages. */
export type StageBlock = MBConv | FusedMBConv | SeparableBlock | BasicBlock | BottleneckBlock | ConvBlock | PooledBlock;
export type Block = StageBlock | CellBlock | ReductionBlock;

/** The kinds of block, by their names in YAML. */
export const blockKinds = ['mbconv', 'fused_mbconv', 'separable', 'basic', 'bottleneck', 'conv', 'pooled'] as const;
export type BlockKind = StageBlock['kind'];

/** The width inside an inverted residual whose input has `channels` channels. */
export const expandedWidth = (channels: number, expand: number): number => Math.max(1, Math.round(channels * expand));

/** Whether an inverted residual begins with a 1x1 convolution. */
export const hasExpansion = ({ expand }: Pick<MBConv, 'expand'>): boolean => expand !== 1;

/** Whether a block computes its activation: an inverted residual without expansion and depthwise convolution does not. */
export const isActive = (block: StageBlock): boolean =>
  block.kind !== 'mbconv' || block.kernel > 0 || hasExpansion(block);

/** The hidden width of a squeeze-excite module on `channels` channels. */
export const squeezeWidth = (channels: number, se: number): number => Math.max(1, Math.round(channels * se));

/** The first convolution; without activation when the blocks start with one. */
export interface Stem extends Omit<ConvSpec, 'act'> {
  readonly act: Activation | null;
  /** Side of a max pool of stride 2 after the activation (ResNet); absent: none. */
  readonly pool?: number;
}

/** 1x1 convolution (batch norm, activation), global average pooling, dropout, dense layer to the classes' logits. */
export interface Head {
  /** Width of the 1x1 convolution; 0: no convolution (ResNet). */
  readonly filters: number;
  readonly act: Activation;
  /** Without a convolution: batch norm and activation before the pooling, for blocks that end without them. */
  readonly norm?: true;
  /** Width of another dense layer with the same activation after the pooling (MobileNetV3); absent: none. */
  readonly hidden?: number;
  /** Dropout rate before the dense layer, in [0, 1). */
  readonly dropout: number;
}

/** Strides of a detector's output. */
export const detectionStrides = [4, 8, 16] as const;
/** Strides of the deepest map that a detector may read. */
export const deepestStrides = [4, 8, 16, 32] as const;

/**
 * The head of a detector or segmenter: 1x1 convolutions on the last map of each stride from `stride` to `deepest`; the deeper ones, doubled by
 * nearest neighbours, are added; activation; 3x3 convolutions; class logits and a box (or none) for each cell of the map (FCOS, Tian et al.
 * 2019; FPN, Lin et al. 2017). The backbone ends with its map of stride `deepest`.
 */
export interface DetectionHead {
  readonly kind: 'detection';
  /** Pixels of the image for each cell of the output, on both axes. */
  readonly stride: (typeof detectionStrides)[number];
  /** Stride of the deepest map that is read, at least `stride`. */
  readonly deepest: (typeof deepestStrides)[number];
  /** Channels of all convolutions before the outputs. */
  readonly width: number;
  /** Number of 3x3 convolutions. */
  readonly depth: number;
  readonly act: Activation;
  /** Squeeze-excite on the deepest map: hidden width as a share of `width` (LR-ASPP's gate, Howard et al. 2019); absent: none. */
  readonly se?: number;
  /** Cells answer with classes alone; absent: also with boxes. */
  readonly centroids?: true;
  /** Cells answer with the classes of pixels; absent: with objects. */
  readonly segmentation?: true;
}

/** A frozen description of an image classifier or detector: enough to build, cost and compare it. */
export interface Network {
  readonly kind: 'network';
  /** Height, width, channels of one image (NHWC without the batch). */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
  readonly stem: Stem;
  readonly blocks: readonly Block[];
  readonly head: Head | DetectionHead;
  /** What differs from `ownStyle`; absent: nothing. */
  readonly style?: Partial<Style>;
}

/** The detection head of a network; null: the network classifies. */
export const detectionOf = ({ head }: Pick<Network, 'head'>): DetectionHead | null => ('kind' in head ? head : null);

/** The head of a classifier. @throws Error for a detector */
export function classifierHead({ head }: Pick<Network, 'head'>): Head {
  if ('kind' in head) throw new Error('a detector has no head of a classifier');
  return head;
}

/** What a network with maps answers. */
export const mapTaskOf = ({ centroids, segmentation }: DetectionHead): MapTask =>
  segmentation === true ? 'segmentation' : centroids === true ? 'centroids' : 'detection';

/** The key of the head of a task. */
export const answersOf = (task: MapTask): Pick<DetectionHead, 'centroids' | 'segmentation'> =>
  task === 'detection' ? {} : { [task]: true };

/** Rows and columns of a detector's output. */
const mapOf = ({ input: [height, width] }: Pick<Network, 'input'>, { stride }: DetectionHead): [number, number] => [
  Math.ceil(height / stride),
  Math.ceil(width / stride),
];

/** What decides the shapes of a network's outputs. */
type Answering = Pick<Network, 'input' | 'classes' | 'head'>;

/** The shape of the output for one image: logits or numbers; of a detector, cells with logits and box. */
export function outputShape(network: Answering): readonly number[] {
  const head = detectionOf(network);
  return head === null ? [network.classes] : [...mapOf(network, head), network.classes + boxValues[mapTaskOf(head)]];
}

/** The shape of one image's targets: as the output's; of a detector, cells with label, dx, dy, width and height. */
export function targetShape(network: Answering): readonly number[] {
  const head = detectionOf(network);
  if (head?.segmentation === true) return outputShape(network);
  return head === null ? [network.classes] : [...mapOf(network, head), 1 + boxValues.detection];
}

/** The network without dropout. */
export const withoutDropout = (network: Network): Network =>
  'dropout' in network.head ? { ...network, head: { ...network.head, dropout: 0 } } : network;

/** How much a block reduces the sides of its input. */
export const strideOf = (block: Block): 1 | 2 =>
  block.kind === 'reduction' ? 2 : block.kind === 'cell' ? 1 : block.stride;

/** The complete style of a network. */
export const styleOf = ({ style }: Pick<Network, 'style'>): Style => ({ ...ownStyle, ...style });

/** The part of a network that holds its style; equal styles give equal values. */
export function styled(style: Partial<Style>): Pick<Network, 'style'> {
  const own = (Object.keys(ownStyle) as (keyof Style)[]).filter(
    (key) => (style[key] ?? ownStyle[key]) !== ownStyle[key],
  );
  return own.length === 0 ? {} : { style: Object.fromEntries(own.map((key) => [key, style[key]])) };
}
