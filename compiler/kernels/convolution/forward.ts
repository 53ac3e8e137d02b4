import type * as tf from '@tensorflow/tfjs-core';
import { IOHW, NCHW, OIHW } from '../../values/layout.js';
import { Val } from '../../values/value.js';
import type { Rule } from '../call.js';
import { withAttrs } from '../call.js';
import { activate } from '../elementwise/activation.js';
import { add } from '../elementwise/binary.js';
import { depthwiseForward, isBlockedDepthwise } from '../blocked/depthwise.js';
import { fullForward, isBlockedFull } from '../blocked/full.js';
import type { ConvolutionAttrs, Geometry } from './geometry.js';
import { matricesForward } from './matrices.js';
import { convolutionAttributes, convolutionGeometry } from './geometry.js';

/** A depthwise filter [kh, kw, C, m] as ONNX's [C*m, 1, kh, kw]. */
export const depthwiseFilter = (filter: Val, g: Geometry): string =>
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

/** The blocked way to compute the convolution; null when there is none. */
function blockedForward({ builder }: Val, g: Geometry): typeof fullForward | null {
  if (isBlockedDepthwise(builder, g)) return depthwiseForward;
  return isBlockedFull(builder, g) ? fullForward : null;
}

const isVector = (bias: Val): boolean => bias.rank === 1 && bias.isFull;

/** Convolution and bias; the bias goes into the convolution where ONNX allows it. */
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
  withAttrs<ConvolutionAttrs & Partial<tf.FusedConv2DAttrs>>((call, attrs) => {
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
