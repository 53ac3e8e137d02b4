import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { int, ints, type Attributes, type Shape } from '../graph/index.js';

/** Sizes of a two-dimensional convolution in ONNX's terms. Pads: top, left, bottom, right. */
export interface Geometry {
  readonly batch: number;
  /** Height, width. */
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly inChannels: number;
  readonly outChannels: number;
  readonly depthwise: boolean;
}

export interface ConvolutionAttrs {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dataFormat?: 'NHWC' | 'NCHW';
}

type Shape4 = [number, number, number, number];
export const shape4 = (shape: Shape): Shape4 => {
  if (shape.length !== 4) throw invalidInput(`a tensor of rank 4 is needed, not [${shape.join(',')}]`);
  return [shape[0], shape[1], shape[2], shape[3]];
};

type WindowInfo = Omit<tf.backend_util.Conv2DInfo, 'filterShape'>;

/**
 * Padding: top, left, bottom, right. TF.js leaves out what a last window needs that `dimRoundingMode` rounds up to.
 * @throws NasError for a window outside of the image
 */
export function padsOf(info: WindowInfo): readonly [number, number, number, number] {
  const { top, left, bottom, right } = info.padInfo;
  const missing = (outputs: number, stride: number, window: number, size: number, before: number): number => {
    const start = (outputs - 1) * stride - before;
    if (start >= size)
      throw invalidInput(`a window of ${window} begins at ${start}, outside of an image of ${size}`, {
        hint: "Use dimRoundingMode 'floor'.",
      });
    return start + window - size;
  };
  return [
    top,
    left,
    Math.max(bottom, missing(info.outHeight, info.strideHeight, info.effectiveFilterHeight, info.inHeight, top)),
    Math.max(right, missing(info.outWidth, info.strideWidth, info.effectiveFilterWidth, info.inWidth, left)),
  ];
}

type SizeRounding = ConvolutionAttrs['dimRoundingMode'];
const roundings = ['floor', 'round', 'ceil'] as const;

/** The sizes that give an output of this shape, if known: TF.js does not tell its gradients the `dimRoundingMode`. */
export function roundedSizes<Info extends Pick<WindowInfo, 'outHeight' | 'outWidth'>>(
  sizes: (rounding: SizeRounding) => Info,
  given: SizeRounding,
  output?: Shape,
): Info {
  const info = sizes(given);
  const fits = ({ outHeight, outWidth }: Info): boolean => outHeight === output?.[1] && outWidth === output[2];
  return output === undefined || fits(info) ? info : (roundings.map(sizes).find(fits) ?? info);
}

/** @param output the shape of the output, for gradients */
export function convolutionGeometry(
  input: Shape,
  filter: Shape,
  attrs: ConvolutionAttrs,
  depthwise: boolean,
  output?: Shape,
): Geometry {
  if (attrs.dataFormat === 'NCHW')
    throw invalidInput('convolutions are traced in the NHWC format only', { hint: "Use dataFormat 'channelsLast'." });
  const { strides, pad } = attrs;
  // Layers give null.
  const dilations = attrs.dilations ?? 1;
  const sizes = (rounding: SizeRounding): tf.backend_util.Conv2DInfo =>
    tf.backend_util.computeConv2DInfo(shape4(input), shape4(filter), strides, dilations, pad, rounding, depthwise);
  const info = roundedSizes(sizes, attrs.dimRoundingMode, output);
  return {
    batch: info.batchSize,
    input: [info.inHeight, info.inWidth],
    output: [info.outHeight, info.outWidth],
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: padsOf(info),
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    depthwise,
  };
}

/** Attributes of ONNX's Conv, without defaults. */
export function convolutionAttributes(options: {
  kernel: Shape;
  pads?: Shape;
  strides?: Shape;
  dilations?: Shape;
  group?: number;
}): Attributes {
  const { kernel, pads = [0, 0, 0, 0], strides = [1, 1], dilations = [1, 1], group = 1 } = options;
  return {
    kernel_shape: ints(kernel),
    ...(pads.some((p) => p !== 0) && { pads: ints(pads) }),
    ...(strides.some((s) => s !== 1) && { strides: ints(strides) }),
    ...(dilations.some((d) => d !== 1) && { dilations: ints(dilations) }),
    ...(group !== 1 && { group: int(group) }),
  };
}

export const isPointwise = (g: Geometry): boolean =>
  !g.depthwise && [...g.kernel, ...g.strides].every((d) => d === 1) && g.pads.every((p) => p === 0);

/** Padding at the end that makes the transposed convolution give the input's size. */
export const outputPadding = (g: Geometry): number[] =>
  [0, 1].map(
    (i) =>
      g.input[i] -
      ((g.output[i] - 1) * g.strides[i] + (g.kernel[i] - 1) * g.dilations[i] + 1 - g.pads[i] - g.pads[i + 2]),
  );

/** Pads of the stride-1 convolution with the flipped filter that computes the input gradient. */
export const flippedPads = (g: Geometry): number[] => {
  const extent = [0, 1].map((i) => (g.kernel[i] - 1) * g.dilations[i]);
  const begin = [0, 1].map((i) => extent[i] - g.pads[i]);
  const end = [0, 1].map((i) => g.input[i] + extent[i] - g.output[i] * g.strides[i] - begin[i]);
  return [...begin, ...end];
};
