import { float, sameShape } from '../../graph/index.js';
import type { Val } from '../../values/value.js';
import { affine } from '../blocked/lanes.js';
import { window } from './activation.js';
import { elementwise, numberLike } from './elementwise.js';

/**
 * Activations of the form z*g(z) and their gradients, which TF.js writes as the products and sums of the product rule.
 * Recognised from the recipes of their parts, they take half the passes over memory.
 */

/** z * sigmoid(z) in one operator of ONNX Runtime's CPU provider; null for any other product. */
export function swish(a: Val, b: Val): Val | null {
  if (a.builder.block === null || !a.builder.uses('gated activations')) return null;
  for (const [z, gate] of [
    [a, b],
    [b, a],
  ])
    if (gate.recipe?.kind === 'sigmoid' && gate.recipe.of === z && sameShape(z.shape, z.stored))
      return elementwise('QuickGelu', [z], { alpha: float(1) });
  return null;
}

/** The other factor of the product `value` of `factor` and something; null when it is no such product. */
function otherFactor(value: Val, factor: Val): Val | null {
  const { recipe } = value;
  if (recipe?.kind !== 'product') return null;
  if (recipe.a === factor) return recipe.b;
  return recipe.b === factor ? recipe.a : null;
}

/** addend + factor*x, in one pass where the layout has one. */
function scaledSum(x: Val, factor: number, addend: Val, offset: number): Val {
  if (x.blockLayout !== null) return affine(x, { scale: factor, ...(offset !== 0 && { offset }), addend });
  const sum =
    factor === -1
      ? elementwise('Sub', [addend, x])
      : elementwise('Add', [elementwise('Mul', [x, numberLike(x, factor)]), addend]);
  return offset === 0 ? sum : elementwise('Add', [sum, numberLike(x, offset)]);
}

/** With s = sigmoid(z) and h = z*s: the gradient dy*s + dy*z*s*(1-s) = dy*s*(1 + z - h). */
function swishGradient(a: Val, b: Val): Val | null {
  const { recipe } = b;
  if (recipe?.kind !== 'sigmoid-gradient' || recipe.y.recipe?.kind !== 'sigmoid') return null;
  const [s, z] = [recipe.y, recipe.y.recipe.of];
  const dy = otherFactor(a, s);
  if (!dy || otherFactor(recipe.dy, z) !== dy) return null;
  const h = swish(z, s) ?? elementwise('Mul', [z, s]);
  return elementwise('Mul', [elementwise('Mul', [dy, s]), scaledSum(h, -1, z, 1)]);
}

/** With g = hard sigmoid(z), whose slope is `scale` where low < z < high: dy*g + scale*dy*z*w = dy*(g + scale*z*w). */
function hardSwishGradient(a: Val, b: Val): Val | null {
  const inner = b.recipe;
  if (inner?.kind !== 'window' || inner.dy.recipe?.kind !== 'affine' || inner.dy.recipe.offset !== 0) return null;
  const { of: product, scale } = inner.dy.recipe;
  const z = inner.of;
  const dy = otherFactor(product, z);
  const gate = dy && otherFactor(a, dy);
  if (!gate || !sameShape(gate.shape, z.shape)) return null;
  const slope = elementwise('Mul', [z, window(z, inner.low, inner.high)]);
  return elementwise('Mul', [dy, scaledSum(slope, scale, gate, 0)]);
}

/** The sum of two parts of such a gradient; null when they are none. */
export const gatedGradient = (a: Val, b: Val): Val | null =>
  !a.builder.uses('gated activations')
    ? null
    : (swishGradient(a, b) ?? swishGradient(b, a) ?? hardSwishGradient(a, b) ?? hardSwishGradient(b, a));
