import { type FoldedGradient, Val } from '../../values/value.js';
import { add, multiply } from '../elementwise/binary.js';
import {
  convolutionAttributes,
  type ConvolutionAttrs,
  convolutionGeometry,
  flippedPads,
  type Geometry,
  isPointwise,
  outputPadding,
} from '../geometry.js';
import type * as tf from '@tensorflow/tfjs-core';
import { CNHW, IOHW, NCHW, OIHW } from '../../values/layout.js';
import { type Rule, withAttrs } from '../call.js';
import { activate } from '../elementwise/activation.js';
import {
  depthwiseFilterGradient as blockedDepthwiseFilterGradient,
  depthwiseForward,
  depthwiseInputGradient,
  isBlockedDepthwise,
} from '../blocked/depthwise.js';
import { fullForward, fullInputGradient, isBlockedFull } from '../blocked/full.js';
import { matricesFilterGradient, matricesForward, matricesInputGradient } from './matrices.js';
import { int, ints, range, sizeOf } from '../../graph/index.js';
import { reduceAway } from '../reduction.js';
import { imagesGradient } from '../blocked/filter-gradient.js';

/** value * factor, a vector over the channels. Convolution gradients may read the value and apply the factor elsewhere. */
export function scaledByChannel(value: Val, factor: Val, folded: FoldedGradient | null = null): Val {
  return multiply(value, factor).madeAs({ kind: 'scaled', of: value, factor, folded });
}

/** Gradients of a 1x1 convolution that were derived together with its output gradient; null when there are none. */
const foldedOf = ({ recipe }: Val): FoldedGradient | null => (recipe?.kind === 'scaled' ? recipe.folded : null);

/**
 * Splits a factor per channel off an output gradient. Scaling the filter (or the filter's gradient) instead is cheap;
 * scaling the images costs a pass over them.
 */
function unscaled(dy: Val, g: Geometry): { readonly gradient: Val; readonly scaleFilter: (filter: Val) => Val } {
  const { recipe } = dy;
  if (recipe?.kind !== 'scaled') return { gradient: dy, scaleFilter: (filter) => filter };
  const { of: gradient, factor } = recipe;
  const shape = g.depthwise ? [g.inChannels, g.outChannels / g.inChannels] : [g.outChannels];
  return { gradient, scaleFilter: (filter) => multiply(filter, factor.reshaped(shape)) };
}

/** A depthwise filter [kh, kw, C, m] as ONNX's [C*m, 1, kh, kw]. */
const depthwiseFilter = (filter: Val, g: Geometry): string =>
  filter.builder.reshape(filter.fullForm(IOHW), [g.outChannels, 1, ...g.kernel]);

function plainForward(x: Val, filter: Val, bias: Val | null, g: Geometry): Val {
  const { builder } = x;
  const { kernel, pads, strides, dilations } = g;
  const group = g.depthwise ? g.inChannels : 1;
  const attributes = convolutionAttributes({ kernel, pads, strides, dilations, group });
  const weights = g.depthwise ? depthwiseFilter(filter, g) : filter.fullForm(OIHW);
  const name = builder.emit('Conv', [x.fullForm(NCHW), weights, ...(bias ? [bias.form()] : [])], attributes);
  return Val.of(builder, name, [g.batch, ...g.output, g.outChannels], 'float32', NCHW);
}

/** The blocked lowering of the convolution; null when there is none. */
function blockedForward({ builder }: Val, g: Geometry): typeof fullForward | null {
  if (isBlockedDepthwise(builder, g)) return depthwiseForward;
  return isBlockedFull(builder, g) ? fullForward : null;
}

const isVector = (bias: Val): boolean => bias.rank === 1 && bias.isFull;

/** Convolution and bias; the bias is part of the convolution where ONNX allows it. */
export function convolve(x: Val, filter: Val, bias: Val | null, g: Geometry): Val {
  const forward = blockedForward(x, g);
  if (forward) {
    const y = forward(x, filter, g);
    return bias ? add(y, bias) : y;
  }
  const product = matricesForward(x, filter, g);
  if (product) return bias ? add(product, bias) : product;
  const fused = bias && isVector(bias) ? bias : null;
  const y = plainForward(x, filter, fused, g);
  return bias && !fused ? add(y, bias) : y;
}

const convolution = (depthwise: boolean): Rule =>
  withAttrs((call, attrs: ConvolutionAttrs & Partial<tf.FusedConv2DAttrs>) => {
    const [x, filter] = [call.value('x'), call.value('filter')];
    const geometry = convolutionGeometry(x.shape, filter.shape, attrs, depthwise);
    const y = convolve(x, filter, call.optional('bias'), geometry);
    return activate(y, attrs.activation, call.optional('preluActivationWeights'), attrs.leakyreluAlpha);
  });

export const convolutionRules = {
  Conv2D: convolution(false),
  DepthwiseConv2dNative: convolution(true),
  FusedConv2D: convolution(false),
  FusedDepthwiseConv2D: convolution(true),
} satisfies Record<string, Rule>;

function blockedInputGradient(dy: Val, filter: Val, g: Geometry): Val | null {
  if (isBlockedDepthwise(dy.builder, g)) return depthwiseInputGradient(dy, filter, g);
  return isBlockedFull(dy.builder, g) ? fullInputGradient(dy, filter, g) : null;
}

function blockedFilterGradient(x: Val, dy: Val, g: Geometry): Val | null {
  if (isBlockedDepthwise(dy.builder, g)) return blockedDepthwiseFilterGradient(x, dy, g);
  return isBlockedFull(dy.builder, g) ? imagesGradient(x, dy, g) : null;
}

export function inputGradient(dy: Val, filter: Val, g: Geometry): Val {
  const { builder } = dy;
  const special = blockedInputGradient(dy, filter, g) ?? matricesInputGradient(dy, filter, g);
  if (special) return special;
  const { kernel, pads, strides, dilations } = g;
  const result = (name: string): Val => Val.of(builder, name, [g.batch, ...g.input, g.inChannels], 'float32', NCHW);
  const source = dy.fullForm(NCHW);
  if (isPointwise(g))
    return result(builder.emit('Conv', [source, filter.fullForm(IOHW)], convolutionAttributes({ kernel })));
  const flipped = flippedPads(g);
  if (
    strides.every((s) => s === 1) &&
    flipped.every((p) => p >= 0) &&
    (!g.depthwise || g.outChannels === g.inChannels)
  ) {
    // At stride 1 it is the correlation with the flipped filter.
    const weights = g.depthwise ? depthwiseFilter(filter, g) : filter.fullForm(IOHW);
    const turned = builder.slice(weights, [2, 3], [-1, -1], [-kernel[0] - 1, -kernel[1] - 1], [-1, -1]);
    const attributes = { kernel, pads: flipped, dilations };
    const group = g.depthwise ? g.inChannels : 1;
    return result(builder.emit('Conv', [source, turned], convolutionAttributes({ ...attributes, group })));
  }
  const weights = g.depthwise ? depthwiseFilter(filter, g) : filter.fullForm(OIHW);
  const group = g.depthwise ? g.inChannels : 1;
  const attributes = convolutionAttributes({ kernel, pads, strides, dilations, group });
  const extra = outputPadding(g);
  return result(
    builder.emit(
      'ConvTranspose',
      [source, weights],
      extra.some((p) => p !== 0) ? { ...attributes, output_padding: ints(extra) } : attributes,
    ),
  );
}

/** Sum over images of dy x^T. */
function pointwiseFilterGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const area = sizeOf(g.output);
  const gradients = builder.reshape(dy.fullForm(NCHW), [g.batch, g.outChannels, area]);
  const inputs = builder.reshape(x.fullForm(NCHW), [g.batch, g.inChannels, area]);
  const products = builder.emit('MatMul', [gradients, builder.transpose(inputs, [0, 2, 1])]);
  const sum = reduceAway(builder, 'ReduceSum', products, [0]);
  return Val.of(
    builder,
    builder.reshape(sum, [g.outChannels, g.inChannels, 1, 1]),
    [1, 1, g.inChannels, g.outChannels],
    'float32',
    OIHW,
  );
}

/** The inputs that each cell of the kernel reads, as matrices [ci, N*Ho*Wo], in the order of the kernel's rows. */
function seenByCells(x: Val, g: Geometry): string[] {
  const { builder } = x;
  const { kernel, pads, strides, dilations, output, batch, inChannels } = g;
  const [top, left, bottom, right] = pads;
  const images = x.fullForm(CNHW);
  const padded = pads.every((p) => p === 0)
    ? images
    : builder.emit('Pad', [images, builder.integers([0, 0, top, left, 0, 0, bottom, right])]);
  return range(kernel[0]).flatMap((row) =>
    range(kernel[1]).map((column) => {
      const begin = [row * dilations[0], column * dilations[1]];
      const end = begin.map((b, i) => b + (output[i] - 1) * strides[i] + 1);
      const cells = builder.slice(padded, [2, 3], begin, end, [...strides]);
      return builder.reshape(cells, [inChannels, batch * sizeOf(output)]);
    }),
  );
}

/** Below this number, inputs are stacked for all cells of the kernel; above it, the copy costs more than it saves. */
const fewChannels = 16;

/**
 * One matrix product per cell of the kernel: the output gradient [co, N*Ho*Wo] times the inputs that this cell reads. (A
 * single convolution is several times slower: its matrices have only as many columns as the kernel has cells.)
 */
function fullFilterGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const { kernel, output, batch, inChannels, outChannels } = g;
  const gradients = builder.reshape(dy.fullForm(CNHW), [outChannels, batch * sizeOf(output)]);
  const product = (seen: string): string => builder.emit('MatMul', [gradients, builder.transpose(seen, [1, 0])]);
  const concat = (parts: readonly string[]): string =>
    parts.length === 1 ? parts[0] : builder.emit('Concat', parts, { axis: int(0) });
  const cells = seenByCells(x, g);
  const shape = [...kernel, inChannels, outChannels];
  if (inChannels < fewChannels) {
    const filter = builder.reshape(product(concat(cells)), [outChannels, ...kernel, inChannels]);
    return Val.of(builder, filter, shape, 'float32', [3, 0, 1, 2]);
  }
  const each = cells.map((seen) => builder.reshape(product(seen), [1, outChannels, inChannels]));
  const filter = builder.reshape(concat(each), [...kernel, outChannels, inChannels]);
  return Val.of(builder, filter, shape, 'float32', [0, 1, 3, 2]);
}

/** Convolves the input with the output gradient as filter: images become channels, strides become dilations. */
function depthwiseFilterGradient(x: Val, dy: Val, g: Geometry): Val {
  const { builder } = x;
  const { kernel, pads, batch, inChannels, outChannels } = g;
  const images = builder.reshape(x.fullForm(CNHW), [1, inChannels * batch, ...g.input]);
  const attributes = { kernel: g.output, pads, dilations: g.strides, strides: g.dilations, group: inChannels };
  const name = builder.emit('Conv', [images, dy.fullForm(CNHW)], convolutionAttributes(attributes));
  const [, , rows, columns] = builder.shapeOf(name);
  // Surplus cells that the strided gradient never reaches.
  const larger = rows !== kernel[0] || columns !== kernel[1];
  const taps = larger ? builder.slice(name, [2, 3], [0, 0], [...kernel]) : name;
  const multiplier = outChannels / inChannels;
  const filter = builder.reshape(taps, [inChannels, multiplier, ...kernel]);
  return Val.of(builder, filter, [...kernel, inChannels, multiplier], 'float32', IOHW);
}

export function filterGradient(x: Val, dy: Val, g: Geometry): Val {
  const special = blockedFilterGradient(x, dy, g) ?? matricesFilterGradient(x, dy, g);
  if (special) return special;
  if (g.depthwise) return depthwiseFilterGradient(x, dy, g);
  return isPointwise(g) ? pointwiseFilterGradient(x, dy, g) : fullFilterGradient(x, dy, g);
}

const inputRule = (depthwise: boolean): Rule =>
  withAttrs((call, attrs: ConvolutionAttrs & Pick<tf.Conv2DBackpropInputAttrs, 'inputShape'>) => {
    const filter = call.value('filter');
    const geometry = convolutionGeometry(attrs.inputShape, filter.shape, attrs, depthwise, call.value('dy').shape);
    const folded = foldedOf(call.value('dy'));
    if (folded) return folded.input();
    const { gradient, scaleFilter } = unscaled(call.value('dy'), geometry);
    return inputGradient(gradient, scaleFilter(filter), geometry);
  });

const filterRule = (depthwise: boolean): Rule =>
  withAttrs((call, attrs: ConvolutionAttrs & Pick<tf.Conv2DBackpropFilterAttrs, 'filterShape'>) => {
    const x = call.value('x');
    const geometry = convolutionGeometry(x.shape, attrs.filterShape, attrs, depthwise, call.value('dy').shape);
    const folded = foldedOf(call.value('dy'));
    if (folded) return folded.filter();
    const { gradient, scaleFilter } = unscaled(call.value('dy'), geometry);
    return scaleFilter(filterGradient(x, gradient, geometry));
  });

export const convolutionGradientRules = {
  Conv2DBackpropFilter: filterRule(false),
  Conv2DBackpropInput: inputRule(false),
  DepthwiseConv2dNativeBackpropFilter: filterRule(true),
  DepthwiseConv2dNativeBackpropInput: inputRule(true),
} satisfies Record<string, Rule>;
