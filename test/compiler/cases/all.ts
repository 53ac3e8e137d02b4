import { imageCases } from './convolution.js';
import { elementwiseCases } from './elementwise.js';
import { lossCases } from './losses.js';
import { reductionsAndProducts } from './reduction.js';
import { shapeCases } from './shape.js';
import type { Case } from './case.js';

export interface Group {
  readonly cases: readonly Case[];
  /** The settings of the blocked depthwise path that can matter to these kernels. */
  readonly blocked: readonly boolean[];
}

/** Every kernel with a rule has a case here. */
export const groups = {
  'elementwise kernels': { cases: elementwiseCases, blocked: [false] },
  'shape kernels': { cases: shapeCases, blocked: [false] },
  'reductions and matrix products': { cases: reductionsAndProducts, blocked: [false] },
  'convolutions, pools, resizing and normalisation': { cases: imageCases, blocked: [true, false] },
  losses: { cases: lossCases, blocked: [false] },
} as const satisfies Readonly<Record<string, Group>>;
