import type { Block } from '../../../spaces/index.js';

export type Act = 'relu' | 'relu6' | 'hard_swish' | 'swish';

export const mbconv = (
  filters: number,
  expand: number,
  kernel: number,
  stride: 1 | 2,
  se = 0,
  act: Act = 'swish',
): Block => ({ kind: 'mbconv', filters, expand, kernel, stride, se, act });
