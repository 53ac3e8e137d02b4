import type * as tfl from '@tensorflow/tfjs-layers';
import type { Network } from '../../spaces/index.js';
import { initialWeights, toLayersModel } from '../../spaces/models/index.js';

/** A network as a TF.js layers model with its initial weights. */
export const layersModelOf = (network: Network, seed: number): tfl.LayersModel =>
  toLayersModel({ network, weights: initialWeights(network, seed) });
