import { elementwise, numberLike } from './elementwise.js';
import { clip, window } from './activation.js';
import { withAttrs, type Rule } from '../call.js';

/** Multiples of `scale` from `low` to `high`, all of them in float32. */
export interface Steps {
  readonly low: number;
  readonly high: number;
  readonly scale: number;
}

/** Kernels behind trace/rounding.ts. */
export const roundingRules = {
  /** clip(x, low, high) at the nearest step, halves to even. */
  NasRounded: withAttrs<Steps>((call, { low, high, scale }) => {
    const clipped = clip(call.value('x'), low, high);
    const steps = elementwise('Mul', [clipped, numberLike(clipped, Math.fround(1 / scale))]);
    return elementwise('Mul', [elementwise('Round', [steps]), numberLike(clipped, scale)]);
  }),
  /** dy where low < x < high, else 0. A ReLU before it, whose work the clip does, is found by its recipe. */
  NasRoundedGrad: withAttrs<Steps>((call, { low, high }) => {
    const [dy, x] = [call.value('dy'), call.value('x')];
    const inside = elementwise('Mul', [window(x, low, high), dy]);
    return low === 0 ? inside.madeAs({ kind: 'clip-gradient', dy, clipped: clip(x, low, high) }) : inside;
  }),
} satisfies Record<string, Rule>;
