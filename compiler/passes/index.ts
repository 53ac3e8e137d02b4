import type { Graph } from '../graph/index.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';

/** Passes that make an inference graph with constant weights as small as it can be. */
export const simplifyInference = (graph: Graph): Graph => foldBatchNorm(foldConstants(graph));
export { foldBatchNorm, foldConstants };
