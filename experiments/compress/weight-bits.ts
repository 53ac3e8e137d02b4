import type { IntegerArithmetic } from '../../compiler/index.js';
import type { WeightBits } from '../../deploy/index.js';

/** The bits of quantized weights for a device: seven where its sums of products of eight would saturate. */
export const weightBitsFor = (arithmetic: IntegerArithmetic): WeightBits => (arithmetic === 'saturating' ? 7 : 8);
