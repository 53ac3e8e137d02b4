import type { FoldedGradient } from '../../values/recipe.js';
import type { Val } from '../../values/value.js';
import { multiply } from '../elementwise/binary.js';
import type { Geometry } from './geometry.js';

/** value * factor, a vector over the channels; convolution gradients may use the value and apply the factor elsewhere. */
export function scaledByChannel(value: Val, factor: Val, folded: FoldedGradient<Val> | null = null): Val {
  return multiply(value, factor).madeAs({ kind: 'scaled', of: value, factor, folded });
}

/** The gradients that a 1x1 convolution has straight from its output gradient; null when there are none. */
export const foldedOf = ({ recipe }: Val): FoldedGradient<Val> | null =>
  recipe?.kind === 'scaled' ? recipe.folded : null;

/**
 * Splits an output gradient into what the convolution should use and what to do with its filter (or the filter's
 * gradient): a factor over the output channels costs little there and a pass over the images here.
 */
export function unscaled(dy: Val, g: Geometry): { readonly gradient: Val; readonly scaleFilter: (filter: Val) => Val } {
  const { recipe } = dy;
  if (recipe?.kind !== 'scaled' || !dy.builder.uses('scale folding'))
    return { gradient: dy, scaleFilter: (filter) => filter };
  const { of: gradient, factor } = recipe;
  const shape = g.depthwise ? [g.inChannels, g.outChannels / g.inChannels] : [g.outChannels];
  return { gradient, scaleFilter: (filter) => multiply(filter, factor.reshaped(shape)) };
}
