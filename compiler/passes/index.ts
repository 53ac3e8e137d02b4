import type { Graph } from '../graph/index.js';
import { shuffleChannels } from './channel-shuffle.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';
import { fuseActivations } from './fuse-activations.js';
import { fuseSums } from './fuse-sums.js';
import { groupConvolutions } from './group-convolutions.js';
import { simplifyReshapes } from './simplify-reshapes.js';
export { packStates, type StatePack } from './pack-states.js';

/** Passes that make an inference graph with constant weights as small as it can be. */
export const simplifyInference = (graph: Graph): Graph =>
  foldBatchNorm(shuffleChannels(groupConvolutions(foldConstants(graph))));

/** Passes over a graph in the blocked layout; other graphs stay as they are. */
export const fuseBlocks = (graph: Graph): Graph => (graph.block === null ? graph : fuseActivations(fuseSums(graph)));
export { simplifyReshapes, foldBatchNorm, foldConstants, fuseActivations, fuseSums };
