import type { StoredPrecision } from '../../experiments/page/api.js';

/** All that networks are judged in, in the order in which they are named. */
export const precisions = ['fp32', 'int8'] as const satisfies readonly StoredPrecision[];
