import type { Graph } from '../graph/index.js';
import type { Target } from '../target.js';
import { shuffleChannels } from './channel-shuffle.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';
import { fuseSums } from './fuse-sums.js';
import { groupConvolutions } from './group-convolutions.js';
import { simplifyReshapes } from './simplify-reshapes.js';
export { packStates, type StateLayout, type StatePack } from './pack-states.js';

/** Passes that make an inference graph with constant weights as small as it can be. */
export const simplifyInference = (graph: Graph): Graph =>
  foldBatchNorm(shuffleChannels(groupConvolutions(foldConstants(graph))));

/** Passes over a graph in the blocked layout, those that are to be used; other graphs stay as they are. */
export function fuseBlocks(graph: Graph, { lowerings }: Target): Graph {
  return graph.block !== null && lowerings.has('fused sums') ? fuseSums(graph) : graph;
}
export { simplifyReshapes, foldBatchNorm, foldConstants, fuseSums };
